/**
 * Bytes of a request that are decoded before other work gets its turn on the event loop. Real
 * requests take 1 ms for as many, the slowest hostile ones below 20 ms.
 */
export const SLICE_BYTES = 256 * 1024

/**
 * Work in slices. Each `next()` does one; it yields how many bytes of memory the work holds beside
 * its input.
 */
export type Steps<T> = Generator<number, T, void>

/** All of the work at once. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
