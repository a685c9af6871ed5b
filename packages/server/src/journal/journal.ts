import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { countUnreadableBytes, keepDamaged } from './damaged-files.ts'
import type { RowBatch, SignalRows } from '../otlp/rows.ts'
import type { Frames } from './frame.ts'
import { formatSegmentFileName, type InsertProgress } from './insert-progress.ts'
import { recoverSegments, createPieceId } from './leftover-segments.ts'
import { DEFAULT_OPTIONS, type JournalOptions } from './journal-options.ts'
import { limitLog, type Log } from '../log.ts'
import { PendingSegments } from './pending-segments.ts'
import { type PendingAppend, sumBytes, takeAppends } from './row-batches.ts'
import { Quarantine, type QuarantineDepth } from './quarantine.ts'
import { createSegment, openSealedSegment, type OpenSegment, type SealedSegment, writeSegment } from './segment.ts'

export type JournalDepth = {
  readonly segments: number
  readonly bytes: number
  /** Torn bytes in leftover segments since the start. */
  readonly tornBytes: number
  /** Unreadable bytes of damaged segments, including those kept from earlier runs. */
  readonly unreadableBytes: number
}

const SECONDS_PER_DAY = 86_400

/** The write-ahead log: rows that `append` resolved for survive a crash. One per directory. */
export class Journal {
  readonly #directory: string
  readonly #options: Required<JournalOptions>
  readonly #logFailedWrite: Log
  readonly #waiting: PendingAppend[] = []
  #open: OpenSegment | undefined
  /** The segment whose file is being closed: neither open nor handed over. */
  #sealing: OpenSegment | undefined
  #ageTimer: NodeJS.Timeout | undefined
  #sealDue = false
  readonly #onceSealed: (() => void)[] = []
  #working: Promise<void> | undefined
  #closed = false
  readonly #sealed = new PendingSegments()
  /** Bytes of requests that wait to be written. */
  #waitingBytes = 0
  #memoryBytes = 0
  #tornBytes = 0
  #unreadableBytes = 0
  /** Damaged segments, with their unreadable bytes. */
  readonly #damaged = new WeakMap<SealedSegment, number>()
  readonly #quarantine: Quarantine
  readonly #retryTimer: NodeJS.Timeout

  private constructor(directory: string, quarantine: Quarantine, options: Required<JournalOptions>) {
    this.#directory = directory
    this.#quarantine = quarantine
    this.#options = options
    this.#logFailedWrite = limitLog(options.log)
    this.#retryTimer = setInterval(() => void this.#takeRetried(), RETRY_EVERY_MS).unref()
  }

  /** Opens the journal and first hands the segments of an earlier run to `onSealed`. */
  static async open(options: JournalOptions): Promise<Journal> {
    const directory = join(options.dataDir, 'journal')
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const quarantine = await Quarantine.open(directory)
    const journal = new Journal(directory, quarantine, { ...DEFAULT_OPTIONS, ...options })
    journal.#unreadableBytes = await countUnreadableBytes(directory)
    await quarantine.takeRetried(directory)
    const { fsync = false } = options
    for (const segment of await recoverSegments(directory, await quarantine.ids(), fsync)) journal.#handOver(segment)
    const { size, bytes } = journal.#sealed
    if (size > 0) options.log(`Replaying ${size} journal segments (${bytes} bytes) of an earlier run.`)
    return journal
  }

  /**
   * Resolves once the rows may be acknowledged. Rejects if the journal is full, closed or can't be
   * written; then nothing of the request is kept.
   */
  append({ receivedUnixSeconds, batches }: Pick<SignalRows, 'receivedUnixSeconds' | 'batches'>): Promise<void> {
    const bytes = sumBytes(batches)
    if (bytes === 0) return Promise.resolve()
    if (this.#closed) return Promise.reject(new Error('Journal is closed: the server is shutting down.'))
    if (this.getDepth().bytes + this.#waitingBytes + bytes > this.#options.maxBacklogBytes) {
      const limit = this.#options.maxBacklogBytes
      return Promise.reject(new Error(`Journal is full: ${limit} bytes not yet inserted.`))
    }
    const day = Math.floor(receivedUnixSeconds / SECONDS_PER_DAY)
    this.#waitingBytes += bytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ day, batches, bytes, resolve, reject })
      this.#work()
    })
  }

  getDepth(): JournalDepth {
    const open = (this.#open ?? this.#sealing)?.bytes ?? 0
    return {
      segments: this.#sealed.size + (open > 0 ? 1 : 0),
      bytes: this.#sealed.bytes + open,
      tornBytes: this.#tornBytes,
      unreadableBytes: this.#unreadableBytes,
    }
  }

  /** Names of the files of sealed segments. */
  listFiles(): string[] {
    return Array.from(this.#sealed.list(), ({ id, progress }) => formatSegmentFileName(id, progress))
  }

  getQuarantineDepth(): QuarantineDepth {
    return this.#quarantine.getDepth()
  }

  /** Records the lost bytes of a segment. The file of a damaged segment is kept. */
  countLost(segment: SealedSegment, { tornBytes, unreadableBytes }: Frames): void {
    this.#tornBytes += tornBytes
    this.#unreadableBytes += unreadableBytes
    if (unreadableBytes > 0) this.#damaged.set(segment, unreadableBytes)
  }

  /** Moves a segment that can't be read to `damaged/`. @returns false if its file stays here */
  async setAside(segment: SealedSegment): Promise<boolean> {
    this.countLost(segment, { batches: [], tornBytes: 0, unreadableBytes: segment.bytes })
    this.#drop(segment)
    return await keepDamaged(this.#directory, segment, segment.bytes).then(
      () => true,
      () => false,
    )
  }

  /** Removes a segment whose rows are all stored. */
  async release(segment: SealedSegment): Promise<void> {
    if (this.#drop(segment)) await this.#clear(segment)
  }

  /**
   * Replaces a segment by smaller ones with these batches, whose ids derive from its id. Their
   * tokens are used only after the segment's file is removed. After a crash before that, the next
   * start uses the original segment.
   */
  async split(
    segment: SealedSegment,
    pieces: readonly (readonly RowBatch[])[],
    progress?: InsertProgress,
  ): Promise<SealedSegment[]> {
    const parts: SealedSegment[] = []
    for (const [at, batches] of pieces.entries()) {
      parts.push(await writeSegment(this.#directory, createPieceId(segment.id, at), batches, progress))
    }
    await this.#clear(segment)
    this.#drop(segment)
    for (const part of parts) this.#sealed.add(part)
    return parts
  }

  /** Quarantines rows of a segment that ClickHouse rejects. */
  async quarantine(segment: SealedSegment, batches: readonly RowBatch[], error: string): Promise<void> {
    await this.#quarantine.add(segment, batches, error)
    await this.#clear(segment)
    this.#drop(segment)
  }

  /**
   * Resolves once the rows acknowledged before the call are stored, in quarantine or damaged.
   *
   * @throws the signal's reason
   */
  async flush(signal: AbortSignal): Promise<void> {
    await this.seal()
    await this.#sealed.waitUntilRemoved(signal)
  }

  /** Resolves once the rows acknowledged before the call are in sealed segments. */
  async seal(): Promise<void> {
    if (this.#open === undefined && this.#sealing === undefined) return
    const sealed = new Promise<void>((resolve) => this.#onceSealed.push(resolve))
    if (this.#open !== undefined) this.#sealSoon()
    await sealed
  }

  /** Writes pending requests, seals the segment and rejects further requests. */
  async close(): Promise<void> {
    clearInterval(this.#retryTimer)
    this.#closed = true
    this.#sealSoon()
    await this.#working
  }

  #work(): void {
    this.#working ??= this.#run().finally(() => {
      this.#working = undefined
      // Requests may have arrived after the last check of the queue.
      if (this.#waiting.length > 0 || (this.#sealDue && this.#open !== undefined)) this.#work()
    })
  }

  /** The only method that writes files. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0 || (this.#sealDue && this.#open !== undefined)) {
      const day = this.#waiting[0]?.day
      if (this.#sealDue || (this.#open !== undefined && day !== this.#open.day)) await this.#seal()
      if (day !== undefined) await this.#write(day)
    }
  }

  async #write(day: number): Promise<void> {
    const room = this.#options.maxSegmentBytes - (this.#open?.bytes ?? 0)
    const requests = takeAppends(this.#waiting, day, room)
    this.#waitingBytes -= requests.reduce((sum, { bytes }) => sum + bytes, 0)
    try {
      this.#open ??= await createSegment(this.#directory, day, this.#options.fsync)
      this.#ageTimer ??= setTimeout(() => this.#sealSoon(), this.#options.maxSegmentAgeMs)
      await this.#open.append(
        requests.map((request) => request.batches),
        this.#options.fsync,
      )
    } catch (error) {
      this.#logFailedWrite(`Journal can't be written, requests are rejected: ${String(error)}`, { level: 'error' })
      for (const request of requests) request.reject(error)
      return
    }
    for (const request of requests) request.resolve()
    const { maxSegmentBytes, maxSegmentRows } = this.#options
    if (this.#open.bytes >= maxSegmentBytes || this.#open.rows >= maxSegmentRows) this.#sealDue = true
  }

  #sealSoon(): void {
    this.#sealDue = true
    this.#work()
  }

  async #seal(): Promise<void> {
    const open = this.#open
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
    this.#open = undefined
    this.#sealDue = false
    if (open === undefined) return
    this.#sealing = open
    try {
      this.#handOver(await open.seal())
    } finally {
      this.#sealing = undefined
      for (const resolve of this.#onceSealed.splice(0)) resolve()
    }
  }

  #handOver(segment: SealedSegment): void {
    this.#sealed.add(segment)
    const { id, bytes } = segment
    this.#options.log(`Queued journal segment ${id} (${bytes} bytes).`, { level: 'debug', segment: id, bytes })
    if (this.#memoryBytes + segment.memoryBytes() > this.#options.maxMemoryBytes) segment.releaseMemory()
    this.#memoryBytes += segment.memoryBytes()
    this.#options.onSealed(segment)
  }

  /** Removes the segment's file from the journal, or keeps it if it is damaged. */
  async #clear(segment: SealedSegment): Promise<void> {
    const unreadableBytes = this.#damaged.get(segment)
    if (unreadableBytes === undefined) await segment.remove()
    else await keepDamaged(this.#directory, segment, unreadableBytes)
  }

  /** @returns false when it was dropped before */
  #drop(segment: SealedSegment): boolean {
    if (!this.#sealed.delete(segment)) return false
    this.#memoryBytes -= segment.memoryBytes()
    segment.releaseMemory()
    return true
  }

  async #takeRetried(): Promise<void> {
    try {
      for (const name of await this.#quarantine.takeRetried(this.#directory)) {
        const { size } = await stat(join(this.#directory, name))
        this.#handOver(openSealedSegment(this.#directory, name, size, false))
      }
    } catch (error) {
      this.#options.log(`Quarantined segments can't be retried: ${String(error)}`, { level: 'error' })
    }
  }
}

const RETRY_EVERY_MS = 2000
