/**
 * Bytes of a request that are decoded before yielding to the event loop. Real requests take 1 ms
 * per slice, the slowest hostile ones less than 20 ms.
 */
export const SLICE_BYTES = 256 * 1024

/** Work in slices. Each `next()` runs one and yields the bytes of memory held beside the input. */
export type Steps<T> = Generator<number, T, void>

/** Runs all steps without a pause. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
