import { setTimeout as sleep } from 'node:timers/promises'
import type { RowTable, Store } from '../store/store.ts'
import type { Journal } from './journal.ts'
import type { Log } from './log.ts'
import type { SealedSegment } from './segment.ts'

/** When a span, log record or point is seen, its source, its links and its series are there. */
const INSERT_ORDER: readonly RowTable[] = ['sources', 'span_links', 'spans', 'logs', 'metric_series', 'metric_points']

/** Two: while the engine works on one insert, the next one's bytes are already on their way. */
const IN_FLIGHT = 2

/** Segments between the journal and the store before senders are slowed down: more would not be queryable in a second. */
const MAX_AHEAD = 2

/** No ack waits longer for the store: the journal is there for stores that stall. */
const LONGEST_WAIT_MS = 2000

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** Below it, buffers are joined before they are streamed: requests of one span each would be thousands of writes. */
const SMALL_BYTES = 64 * 1024

/**
 * Moves sealed segments into the store and then removes them; tries for ever, since what is in the journal was
 * acked. The token makes a second try, also one after a crash, a no-op.
 */
export class Flusher {
  readonly #store: Store
  readonly #log: Log
  readonly #queue: SealedSegment[] = []
  readonly #stop = new AbortController()
  #running = 0
  #journal: Journal | undefined
  #idle: (() => void)[] = []
  /** Segments whose last try failed. */
  #failing = 0
  #roomWanted = new Set<() => void>()

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Begins; what was pushed before waits for it. */
  start(journal: Journal): void {
    this.#journal = journal
    this.#next()
  }

  push(segment: SealedSegment): void {
    this.#queue.push(segment)
    this.#next()
  }

  /**
   * Waits until the store keeps pace with the senders, so that acks come as fast as data becomes queryable. A store
   * that is away isn't waited for.
   */
  async room(): Promise<void> {
    if (this.#hasRoom()) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#roomWanted.delete(done)
        resolve()
      }
      const timer = setTimeout(done, LONGEST_WAIT_MS)
      this.#roomWanted.add(done)
    })
  }

  /** Waits until everything pushed is stored, at most until the deadline; the rest is for the next start. */
  async drain(deadlineMs: number): Promise<void> {
    const done = new Promise<void>((resolve) => {
      if (this.#running === 0 && this.#queue.length === 0) resolve()
      else this.#idle.push(resolve)
    })
    const late = sleep(deadlineMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    await Promise.race([done, late])
    this.#stop.abort()
  }

  #hasRoom(): boolean {
    return this.#failing > 0 || this.#running + this.#queue.length < MAX_AHEAD
  }

  #next(): void {
    if (this.#hasRoom()) for (const done of this.#roomWanted) done()
    const journal = this.#journal
    if (journal === undefined) return
    while (this.#running < IN_FLIGHT && this.#queue.length > 0) {
      const segment = this.#queue.shift() as SealedSegment
      this.#running++
      void this.#flush(journal, segment).finally(() => {
        this.#running--
        this.#next()
      })
    }
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #flush(journal: Journal, segment: SealedSegment): Promise<void> {
    const { signal } = this.#stop
    let torn = false
    let stored = false
    let failing = false
    for (let pause = FIRST_PAUSE_MS; !stored && !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const { sections, tornBytes } = await segment.load()
        if (tornBytes > 0 && !torn) {
          torn = true
          journal.countTorn(tornBytes)
          this.#log(`Journal segment ${segment.id} ended in ${tornBytes} torn bytes, never acked: cut.`)
        }
        for (const table of INSERT_ORDER) {
          const rows = sections.filter((section) => section.table === table).map((section) => section.bytes)
          if (rows.length > 0) await this.#store.insert(table, joined(rows), segment.id)
        }
        stored = true
      } catch (error) {
        if (isMissing(error)) {
          this.#log(`Journal segment ${segment.id} was removed by somebody else: its spans are lost.`)
          break
        }
        if (!failing) {
          failing = true
          this.#failing++
          this.#next()
        }
        const message = error instanceof Error ? error.message : String(error)
        this.#log(`Journal segment ${segment.id} not stored yet, next try in ${pause} ms: ${message}`)
        await sleep(pause, undefined, { signal }).catch(() => {})
      }
    }
    if (failing) this.#failing--
    if (!stored && signal.aborted) return
    await journal.release(segment).catch((error: unknown) => {
      this.#log(`Journal segment ${segment.id} is stored but can't be removed: ${String(error)}`)
    })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function joined(rows: readonly Uint8Array[]): readonly Uint8Array[] {
  const bytes = rows.reduce((sum, row) => sum + row.length, 0)
  return bytes < rows.length * SMALL_BYTES ? [Buffer.concat(rows)] : rows
}
