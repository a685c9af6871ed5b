export type RequestLimits = {
  /** Maximum of concurrent requests, of all clients and of one. */
  readonly running: number
  readonly runningPerClient: number
  /** Maximum of queued requests; further ones are rejected. */
  readonly waiting: number
  readonly waitingPerClient: number
  /** Time until a queued request is rejected. */
  readonly maxWaitMs: number
}

export type RequestLimit = {
  /**
   * Resolves when the request may run, with a function to call once when it ends.
   *
   * @param max running requests of this client, if fewer than of others
   * @throws TooManyRequestsError, or the signal's reason
   */
  enter(client: string, signal: AbortSignal, max?: number): Promise<() => void>
}

export class TooManyRequestsError extends Error {}

type Waiter = { readonly client: string; readonly max: number; readonly start: () => void }

/**
 * Limits concurrent requests. Of the queued ones, the client with the fewest running requests is
 * next, then the oldest request.
 */
export function createRequestLimit(limits: RequestLimits): RequestLimit {
  const running = new Map<string, number>()
  let total = 0
  let waiting: Waiter[] = []
  const countOf = (client: string): number => running.get(client) ?? 0
  const mayRun = (client: string, max: number): boolean =>
    total < limits.running && countOf(client) < Math.min(max, limits.runningPerClient)

  const start = (client: string): (() => void) => {
    total++
    running.set(client, countOf(client) + 1)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      total--
      const left = countOf(client) - 1
      if (left === 0) running.delete(client)
      else running.set(client, left)
      startNext()
    }
  }
  const startNext = (): void => {
    let next: Waiter | undefined
    for (const waiter of waiting) {
      if (!mayRun(waiter.client, waiter.max)) continue
      if (next === undefined || countOf(waiter.client) < countOf(next.client)) next = waiter
    }
    next?.start()
  }

  return {
    enter: async (client, signal, max = Infinity) => {
      signal.throwIfAborted()
      if (mayRun(client, max)) return start(client)
      const ofClient = waiting.filter((waiter) => waiter.client === client).length
      if (waiting.length >= limits.waiting || ofClient >= limits.waitingPerClient) {
        throw new TooManyRequestsError('Too many queued requests. Retry later.')
      }
      return await new Promise((resolve, reject) => {
        const leave = (): void => {
          waiting = waiting.filter((one) => one !== waiter)
          clearTimeout(timer)
          signal.removeEventListener('abort', abort)
        }
        const waiter: Waiter = {
          client,
          max,
          start: () => {
            leave()
            resolve(start(client))
          },
        }
        const abort = (): void => {
          leave()
          reject(signal.reason as Error)
        }
        const timer = setTimeout(() => {
          leave()
          reject(new TooManyRequestsError(`Queued for ${limits.maxWaitMs} ms without starting. Retry later.`))
        }, limits.maxWaitMs)
        signal.addEventListener('abort', abort)
        waiting.push(waiter)
      })
    },
  }
}
