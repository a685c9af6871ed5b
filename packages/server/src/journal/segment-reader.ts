import type { Frames } from './frame.ts'
import type { Journal } from './journal.ts'
import type { Log } from '../log.ts'
import type { SealedSegment } from './segment.ts'

/** Reads of a segment before it is set aside. Their delays add up to 6 s. */
const MAX_READS = 7
const MIN_RETRY_DELAY_MS = 100
const MAX_RETRY_DELAY_MS = 5000

/** Errors of the process or the machine, not of the file: it is readable once they are over. */
const EXTERNAL_ERRORS: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/** Reads segments for the inserter, reports what is lost, and sets aside unreadable segments. */
export class SegmentReader {
  readonly #log: Log
  /** Failed reads of the segments that wait for the next one. */
  readonly #failures = new Map<SealedSegment, number>()
  readonly #reported = new WeakSet<SealedSegment>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Number of segments that wait for their next read. */
  get waiting(): number {
    return this.#failures.size
  }

  /**
   * Never rejects. Returns the delay until the next read in milliseconds if this one failed, and
   * undefined if the segment can't be read at all and the journal no longer has it.
   */
  async read(journal: Journal, segment: SealedSegment): Promise<Frames | number | undefined> {
    try {
      const frames = await segment.load()
      this.#failures.delete(segment)
      this.#reportLost(journal, segment, frames)
      return frames
    } catch (error) {
      return await this.#handleFailure(journal, segment, error as NodeJS.ErrnoException)
    }
  }

  async #handleFailure(
    journal: Journal,
    segment: SealedSegment,
    error: NodeJS.ErrnoException,
  ): Promise<number | undefined> {
    const { id, bytes } = segment
    const failures = (this.#failures.get(segment) ?? 0) + 1
    const isRemoved = error.code === 'ENOENT'
    if (!isRemoved && (failures < MAX_READS || EXTERNAL_ERRORS.has(error.code))) {
      if (failures === 1)
        this.#log(`Journal segment ${id} can't be read, retrying: ${error.message}`, { level: 'warn' })
      this.#failures.set(segment, failures)
      return Math.min(MIN_RETRY_DELAY_MS * 2 ** (failures - 1), MAX_RETRY_DELAY_MS)
    }
    this.#failures.delete(segment)
    if (isRemoved) {
      await journal.release(segment).catch(() => {})
      this.#log(`Journal segment ${id} was removed by another process: its rows are lost.`, { level: 'error' })
      return undefined
    }
    const outcome = (await journal.setAside(segment))
      ? `${bytes} bytes are lost. Its file is kept in journal/damaged`
      : `${bytes} bytes are not stored. Its file stays in the journal: the next start reads it again`
    this.#log(`Journal segment ${id} can't be read: ${outcome}. ${error.message}`, { level: 'error' })
    return undefined
  }

  #reportLost(journal: Journal, segment: SealedSegment, frames: Frames): void {
    const { tornBytes, unreadableBytes, isCutOff } = frames
    if (this.#reported.has(segment)) return
    this.#reported.add(segment)
    journal.countLost(segment, frames)
    if (tornBytes > 0) {
      this.#log(
        `Journal segment ${segment.id} ends inside a request: dropped ${tornBytes} bytes of a write that did not ` +
          'finish, or of a file that was truncated.',
        { level: 'warn' },
      )
    }
    if (unreadableBytes > 0) {
      this.#log(
        `Journal segment ${segment.id} is damaged: ${unreadableBytes} unreadable bytes are lost, ` +
          'the other rows will be inserted, then its file moves to journal/damaged.' +
          (isCutOff === true ? ' It ends inside a request: more may be missing.' : ''),
        { level: 'error' },
      )
    }
  }
}
