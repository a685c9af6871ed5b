import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../clickhouse/store-error.ts'
import type { Store } from '../clickhouse/store.ts'
import { type Table, tableNames } from '../clickhouse/tables.ts'
import { InsertAttempts, provesOutcome, toMessage } from './insert-attempts.ts'
import type { RowBatch } from '../otlp/rows.ts'
import type { Journal } from './journal.ts'
import type { Log } from '../log.ts'
import { sumBytes, collectRows } from './row-batches.ts'
import type { SealedSegment } from './segment.ts'
import { SegmentReader } from './segment-reader.ts'
import { sortByTable, splitBatches } from './split-batches.ts'

/** ClickHouse processes one insert while the bytes of the next are sent. */
const MAX_CONCURRENT_INSERTS = 2

/** Pending segments beyond which acks are delayed: more are not queryable within 1 s. */
const MAX_PENDING_SEGMENTS = 2

/** Maximum delay of an ack. The journal absorbs longer ClickHouse stalls. */
const MAX_WAIT_MS = 2000

const DEFAULT_INSERT_BYTES = 64 * 1024 * 1024

type LoadedSegment = {
  readonly journal: Journal
  readonly segment: SealedSegment
  readonly batches: readonly RowBatch[]
}

/**
 * Inserts sealed segments and then removes them. A failed insert is retried until it succeeds; rows
 * that ClickHouse keeps rejecting, or that need too much memory, are quarantined. The deduplication
 * token makes a retry a no-op, including one after a crash.
 */
export class Inserter {
  readonly #store: Store
  readonly #log: Log
  readonly #maxInsertBytes: number
  readonly #queue: SealedSegment[] = []
  readonly #stop = new AbortController()
  /** Segments with a failed insert, until they are stored, split or quarantined. */
  readonly #attempts = new Map<SealedSegment, InsertAttempts>()
  readonly #reader: SegmentReader
  #running = 0
  #stored = 0
  #lastProgress = performance.now()
  #journal: Journal | undefined
  #idle: (() => void)[] = []
  #roomWanted = new Set<() => void>()
  #pauses = 0
  #stopped: (() => void)[] = []

  /** @param maxInsertBytes larger segments are split first */
  constructor(store: Store, log: Log, maxInsertBytes = DEFAULT_INSERT_BYTES) {
    this.#store = store
    this.#log = log
    this.#reader = new SegmentReader(log)
    this.#maxInsertBytes = maxInsertBytes
  }

  /** Starts inserting. Segments enqueued earlier wait for this call. */
  start(journal: Journal): void {
    this.#journal = journal
    this.#store.attachWriter?.({
      flush: (signal) => journal.flush(signal),
      pause: (act) => journal.seal().then(() => this.#pause(() => act(journal.listFiles()))),
    })
    this.#next()
  }

  enqueue(segment: SealedSegment): void {
    if (this.#isIdle()) this.#lastProgress = performance.now()
    this.#queue.push(segment)
    this.#next()
  }

  /** Returns how long segments have been waiting without one being stored, in milliseconds. */
  getStalledMs(): number {
    return this.#isIdle() ? 0 : performance.now() - this.#lastProgress
  }

  /**
   * Waits until ClickHouse keeps pace, so that acks are no faster than data becomes queryable.
   * Returns at once after failed inserts, because the journal then holds the backlog.
   */
  async waitForCapacity(): Promise<void> {
    if (this.#hasRoom()) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#roomWanted.delete(done)
        resolve()
      }
      const timer = setTimeout(done, MAX_WAIT_MS)
      this.#roomWanted.add(done)
    })
  }

  /** Waits until all segments are stored, or for the deadline; the next start inserts the rest. */
  async drain(deadlineMs: number): Promise<void> {
    const done = new Promise<void>((resolve) => {
      if (this.#isIdle()) resolve()
      else this.#idle.push(resolve)
    })
    const late = sleep(deadlineMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    await Promise.race([done, late])
    this.#stop.abort()
  }

  #isIdle(): boolean {
    return this.#running + this.#queue.length + this.#attempts.size + this.#reader.waiting === 0
  }

  #hasRoom(): boolean {
    return this.#pauses > 0 || this.#attempts.size > 0 || this.#running + this.#queue.length < MAX_PENDING_SEGMENTS
  }

  /** Runs `act` between two segments. Acknowledgements do not wait. */
  async #pause<T>(act: () => Promise<T>): Promise<T> {
    this.#pauses++
    try {
      if (this.#running > 0) await new Promise<void>((resolve) => this.#stopped.push(resolve))
      return await act()
    } finally {
      this.#pauses--
      this.#next()
    }
  }

  #next(): void {
    if (this.#hasRoom()) for (const done of this.#roomWanted) done()
    if (this.#running === 0) for (const resolve of this.#stopped.splice(0)) resolve()
    const journal = this.#journal
    if (journal === undefined || this.#pauses > 0) return
    while (this.#running < MAX_CONCURRENT_INSERTS && this.#queue.length > 0 && !this.#stop.signal.aborted) {
      const segment = this.#queue.shift() as SealedSegment
      this.#running++
      void this.#flush(journal, segment).finally(() => {
        this.#running--
        this.#next()
      })
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Never rejects. A failed segment frees its slot for others until its retry. */
  async #flush(journal: Journal, segment: SealedSegment): Promise<void> {
    const frames = await this.#reader.read(journal, segment)
    if (typeof frames === 'number') return void this.#pushAfter(segment, frames)
    if (frames === undefined) {
      this.#attempts.delete(segment)
      this.#lastProgress = performance.now()
      return
    }
    const { batches } = frames
    const loaded = { journal, segment, batches }
    const { table: first, mayBeStored } = segment.progress
    if (!mayBeStored && sumBytes(sortByTable(batches, first)) > this.#maxInsertBytes) {
      if (await this.#split(loaded, first, this.#maxInsertBytes)) return
    }
    let table = first
    try {
      for (table of tableNames.slice(tableNames.indexOf(first))) {
        const rows = collectRows(batches, table)
        if (rows.length === 0) continue
        await segment.setProgress({ table, mayBeStored: true })
        await this.#store.insert(table, rows, segment.id)
      }
    } catch (error) {
      const wasSent = table === first && mayBeStored
      return await this.#handleFailure(loaded, { table, error, wasSent })
    }
    this.#stored++
    this.#lastProgress = performance.now()
    await this.#release(journal, segment)
  }

  async #handleFailure(
    loaded: LoadedSegment,
    { table, error, wasSent }: { readonly table: Table; readonly error: unknown; readonly wasSent: boolean },
  ): Promise<void> {
    const { segment, batches } = loaded
    const attempts = this.#attemptsOf(segment)
    const { code, unstored = [] } = error instanceof StoreError ? error : ({} as Partial<StoreError>)
    attempts.countError(code)
    // A previous attempt may have stored rows, unless it is known to have failed.
    const mayBeStored = wasSent && !(attempts.isOutcomeKnown && unstored.length > 0)
    attempts.isOutcomeKnown = !mayBeStored && provesOutcome(error, this.#store.isSharded === true)
    const isTooLarge = code === 'too-heavy' && attempts.isTooLarge()
    const hasBadRows = code === 'bad-rows' && attempts.isRejectedAgain()
    const hasFailedPermanently = hasBadRows || attempts.hasFailedPermanently(this.#stored)
    if (!attempts.isOutcomeKnown) {
      // Rows of the table may be stored: under any other token they would be stored twice.
      if (hasFailedPermanently) return await this.#quarantine(loaded, table, error)
      return this.#retryLater(segment, error)
    }
    if (unstored.length > 0) {
      if (isTooLarge || hasFailedPermanently) return await this.#replaceByUnstored(loaded, table, unstored, error)
      return this.#retryLater(segment, error)
    }
    await segment.setProgress({ table, mayBeStored: false }).catch(() => {})
    if (isTooLarge || hasBadRows) {
      const half = Math.ceil(sumBytes(sortByTable(batches, table)) / 2)
      if (await this.#split(loaded, table, half)) return
    }
    if (hasFailedPermanently) return await this.#quarantine(loaded, table, error)
    this.#retryLater(segment, error)
  }

  /**
   * Replaces the segment by its unstored rows: the missing rollups of `table` and the later tables.
   */
  async #replaceByUnstored(
    { journal, segment, batches }: LoadedSegment,
    table: Table,
    unstored: readonly RowBatch[],
    error: unknown,
  ): Promise<void> {
    const rest = sortByTable(batches, table).filter((batch) => batch.table !== table)
    const rollups = unstored.filter(({ rows }) => rows > 0)
    try {
      for (const piece of await journal.split(segment, [[...rest, ...rollups]])) this.#queue.push(piece)
    } catch (failure) {
      return this.#retryLater(segment, failure)
    }
    this.#attempts.delete(segment)
    const tables = rollups.map(({ table: name }) => name).join(' and ')
    this.#log(`Journal segment ${segment.id}: stored ${table}; retrying ${tables}: ${toMessage(error)}`, {
      level: 'warn',
    })
  }

  /** @returns false when it cannot be split: it has one row, or rows without boundaries */
  async #split({ journal, segment, batches }: LoadedSegment, from: Table, maxBytes: number): Promise<boolean> {
    let pieces: SealedSegment[]
    try {
      const split = await splitBatches(this.#store, batches, from, maxBytes)
      if (split.length < 2) return false
      pieces = await journal.split(segment, split, { table: from, mayBeStored: false })
    } catch (error) {
      if (error instanceof StoreError && error.code === 'bad-rows') return false
      this.#retryLater(segment, error)
      return true
    }
    this.#attempts.delete(segment)
    this.#log(`Journal segment ${segment.id} is split into ${pieces.length} pieces.`)
    // In order: a piece may need rows of the previous piece.
    for (const piece of pieces) await this.#flush(journal, piece)
    return true
  }

  async #quarantine({ journal, segment, batches }: LoadedSegment, table: Table, error: unknown): Promise<void> {
    try {
      // Skips the tables whose rows are stored already.
      await journal.quarantine(segment, sortByTable(batches, table), toMessage(error))
    } catch (failure) {
      return this.#retryLater(segment, failure)
    }
    this.#attempts.delete(segment)
    this.#lastProgress = performance.now()
    this.#log(
      `Journal segment ${segment.id} (${segment.bytes} bytes) is in quarantine because its inserts failed permanently: ` +
        `${toMessage(error)} Run \`spanlink quarantine retry --data DIR\` as the server's user to insert it again.`,
      { level: 'error' },
    )
  }

  #attemptsOf(segment: SealedSegment): InsertAttempts {
    const attempts = this.#attempts.get(segment) ?? new InsertAttempts(this.#stored)
    this.#attempts.set(segment, attempts)
    return attempts
  }

  #retryLater(segment: SealedSegment, error: unknown): void {
    const pause = this.#attemptsOf(segment).nextDelayMs()
    this.#log(`Insert of journal segment ${segment.id} failed, retry in ${pause} ms: ${toMessage(error)}`, {
      level: 'warn',
    })
    void this.#pushAfter(segment, pause)
  }

  async #pushAfter(segment: SealedSegment, pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    if (this.#stop.signal.aborted) return
    // ClickHouse forgets the token of stored rows after a number of other inserts.
    if (segment.progress.mayBeStored) this.#queue.unshift(segment)
    else this.#queue.push(segment)
    this.#next()
  }

  async #release(journal: Journal, segment: SealedSegment): Promise<void> {
    this.#attempts.delete(segment)
    await journal.release(segment).catch((error: unknown) => {
      this.#log(`Journal segment ${segment.id} is stored but can't be removed: ${String(error)}`, { level: 'warn' })
    })
  }
}
