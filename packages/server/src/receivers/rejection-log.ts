import type { Principal } from '../access/authenticator.ts'
import type { Log } from '../log.ts'
import { sanitize } from '../sanitize.ts'

/** Who sent a request. */
export type Client = {
  readonly receiver: 'OTLP/HTTP' | 'OTLP/gRPC' | 'Zipkin' | 'Kafka' | 'self-tracing'
  /** IP address, or topic, partition and offset. */
  readonly address: string
  /** @default no limits */
  readonly principal?: Principal
}

/** Rejected items of a request, or a request rejected as a whole. */
export type Rejection = {
  readonly client: Client
  /** `invalid` for items; the label of the metric for requests. */
  readonly reason: string
  readonly items: 'spans' | 'logs' | 'points' | 'requests'
  readonly count: number
  /** May contain values of the request. */
  readonly message: string
}

/** Between two lines of the same receiver and reason. */
const INTERVAL_MS = 10_000
/** Between two calls of `logDue`. */
const CHECK_INTERVAL_MS = 1000
/** Clients choose the reasons. Those of a receiver beyond this share a line per kind of item. */
const MAX_REASONS = 8
const MAX_KEY_LENGTH = 200

const NAMES = { spans: 'span', logs: 'log record', points: 'metric point', requests: 'request' } as const

type Entry = {
  readonly receiver: Client['receiver']
  loggedAt: number
  /** Rejected since then. */
  pending: number
  last: Rejection
}

/**
 * Logs rejections: the first of a receiver and reason at once, later ones as a count every 10 s.
 * Messages that differ only in numbers or quoted values count as one reason.
 */
export class RejectionLog {
  readonly #log: Log
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  #timer: NodeJS.Timeout | undefined

  /** @param now in milliseconds; must not go back */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  add(added: Rejection): void {
    const { receiver } = added.client
    const ownKey = toKey(added)
    const hasOwnLine = this.#entries.has(ownKey) || this.#countReasons(receiver) < MAX_REASONS
    const rejection = hasOwnLine ? added : { ...added, reason: 'other reasons' }
    const { items, count, reason } = rejection
    const key = hasOwnLine ? ownKey : `${receiver}\n${items}`
    const entry = this.#entries.get(key)
    const isDue = entry === undefined || this.#now() - entry.loggedAt >= INTERVAL_MS
    if (entry === undefined || (isDue && entry.pending === 0)) {
      this.#entries.set(key, { receiver, loggedAt: this.#now(), pending: 0, last: rejection })
      this.#write(rejection, `${count} ${formatItems(items, count)} (${reason}) from`)
      return
    }
    entry.pending += count
    entry.last = rejection
    if (isDue) this.#logPending(entry)
  }

  /** Logs counts whose 10 s have passed and forgets reasons that fell silent. */
  logDue(): void {
    const now = this.#now()
    for (const [key, entry] of this.#entries) {
      if (now - entry.loggedAt < INTERVAL_MS) continue
      if (entry.pending > 0) this.#logPending(entry)
      else this.#entries.delete(key)
    }
  }

  /** Logs all pending counts. */
  flush(): void {
    for (const entry of this.#entries.values()) if (entry.pending > 0) this.#logPending(entry)
  }

  /** Calls `logDue` from now on; does not keep the process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.logDue(), CHECK_INTERVAL_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.flush()
  }

  #countReasons(receiver: Client['receiver']): number {
    return [...this.#entries.values()].filter((entry) => entry.receiver === receiver).length
  }

  #logPending(entry: Entry): void {
    const { last, pending } = entry
    const seconds = Math.max(1, Math.round((this.#now() - entry.loggedAt) / 1000))
    entry.pending = 0
    entry.loggedAt = this.#now()
    const items = formatItems(last.items, pending)
    this.#write({ ...last, count: pending }, `${pending} more ${items} (${last.reason}) in ${seconds} s, the last from`)
  }

  #write({ client: { receiver, address }, reason, items, count, message }: Rejection, what: string): void {
    const fields = { level: reason === 'failed' ? 'error' : 'warn', receiver, reason, items, count } as const
    this.#log(`${receiver} rejected ${what} ${sanitize(address)}: ${sanitize(message)}`, fields)
  }
}

function toKey({ client, reason, items, message }: Rejection): string {
  const shape = message.slice(0, MAX_KEY_LENGTH).replaceAll(/"[^"]*"?|\d+/g, '#')
  return [client.receiver, reason, items, shape.split(' (', 1)[0]].join('\n')
}

function formatItems(items: Rejection['items'], count: number): string {
  return count === 1 ? NAMES[items] : `${NAMES[items]}s`
}
