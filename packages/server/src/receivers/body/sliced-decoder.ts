import { SLICE_BYTES, runSteps, type Steps } from '../../otlp/steps.ts'

/**
 * Runs the steps, and lets the event loop turn after each.
 *
 * @param account called with how many more bytes of memory they hold, and with what is given back
 *   at the end
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
    // One that failed in between gives back what it has.
    steps.return(undefined as T)
  }
}

/** Bodies above are decoded one at a time: each of 64 MiB takes up to a second of the processor. */
const MIN_LARGE_BYTES = 4 * 1024 * 1024

/** The others that take more than one slice. */
const MAX_CONCURRENT_DECODES = 4

/** Decodes bodies in slices. Small ones are decoded at once and wait for nobody. */
export class SlicedDecoder {
  readonly #account: (bytes: number) => void
  readonly #large = new Semaphore(1)
  readonly #medium = new Semaphore(MAX_CONCURRENT_DECODES)

  /** @param account as of `runInSlices` */
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

/** At most so many at a time, first come, first served. */
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
