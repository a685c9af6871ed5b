import { SLICE_BYTES, runSteps, type Steps } from '../../otlp/steps.ts'

/**
 * Runs the steps and yields to the event loop after each.
 *
 * @param account called with each change of the bytes that the steps hold; negative when they are
 *   released
 */
export async function runInSlices<T>(steps: Steps<T>, account: (bytes: number) => void): Promise<T> {
  let held = 0
  try {
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
      account(step.value - held)
      held = step.value
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    account(-held)
    // If `account` threw, the steps are suspended: their `finally` blocks release buffers.
    steps.return(undefined as T)
  }
}

/** Larger bodies are decoded one at a time: 64 MiB take up to a second of CPU. */
const MIN_LARGE_BYTES = 4 * 1024 * 1024

/** Concurrent decodes of bodies between one slice and `MIN_LARGE_BYTES`. */
const MAX_CONCURRENT_DECODES = 4

/** Decodes bodies in slices. Bodies of one slice are decoded synchronously, without queueing. */
export class SlicedDecoder {
  readonly #account: (bytes: number) => void
  readonly #large = new Semaphore(1)
  readonly #medium = new Semaphore(MAX_CONCURRENT_DECODES)

  /** @param account see `runInSlices` */
  constructor(account: (bytes: number) => void) {
    this.#account = account
  }

  async decode<T>(steps: Steps<T>, bodyBytes: number): Promise<T> {
    if (bodyBytes <= SLICE_BYTES) return runSteps(steps)
    const turns = bodyBytes > MIN_LARGE_BYTES ? this.#large : this.#medium
    await turns.acquire()
    try {
      return await runInSlices(steps, this.#account)
    } finally {
      turns.release()
    }
  }
}

/** Counting semaphore, first in, first out. */
class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
