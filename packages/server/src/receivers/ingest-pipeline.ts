import { ByteBudget } from './body/byte-budget.ts'
import type { Body } from './body/request-body.ts'
import { SlicedDecoder } from './body/sliced-decoder.ts'
import { type IngestResult, toIngestResult, toRowBatches, type SignalRows } from '../journal/row-batches.ts'
import type { Signal, Transcode } from './signals.ts'

/** Why nothing of a request was taken, as operators count it. */
export type RejectionReason =
  /** No OTLP, not compressed as it says, or in an encoding that there isn't. */
  | 'malformed'
  /** Attributes or nesting of an item beyond the limits. */
  | 'overLimit'
  /** The body, or the rows it would become. */
  | 'tooLarge'
  /** To be sent again: memory, journal or disk had no room. */
  | 'busy'
  | 'unauthorized'
  /** By us; the log says how. */
  | 'failed'

/** What has come in since the start. */
export type IngestCounters = {
  /** Requests for a path or method that there is, whatever became of them. */
  requests: number
  spans: number
  rejectedSpans: number
  logs: number
  rejectedLogs: number
  points: number
  rejectedPoints: number
  /** Requests of which nothing was taken, by reason. */
  readonly rejectedRequests: Record<RejectionReason, number>
  /** Of bodies that could be read, decompressed. */
  bytes: number
}

export type IngestPipeline = {
  readonly stats: IngestCounters
  /** Counts a request that was answered with an error. */
  countRejection(reason: RejectionReason): void
  /**
   * Turns a body into rows, releases it, and resolves when the rows may be acked.
   *
   * @throws OtlpError when the body isn't what it should be, NotKeptError when its rows can't be
   *   kept now
   */
  ingest(items: Signal['items'], transcode: Transcode, body: Body): Promise<IngestResult>
}

/** The sender should try again. */
export class RetryableError extends Error {}

/**
 * @param append resolves when the rows may be acked
 * @param budget what rows that wait for that are counted in
 */
export function createIngestPipeline(
  append: (rows: SignalRows) => Promise<void>,
  budget: ByteBudget = new ByteBudget(Number.POSITIVE_INFINITY),
): IngestPipeline {
  const refused = { malformed: 0, overLimit: 0, tooLarge: 0, busy: 0, unauthorized: 0, failed: 0 }
  const stats = {
    requests: 0,
    spans: 0,
    rejectedSpans: 0,
    logs: 0,
    rejectedLogs: 0,
    points: 0,
    rejectedPoints: 0,
    rejectedRequests: refused,
    bytes: 0,
  }
  const decoder = new SlicedDecoder((bytes) => budget.reserve(bytes))
  return {
    stats,
    countRejection: (reason) => {
      refused[reason]++
    },
    ingest: async (items, transcode, body) => {
      let rows: SignalRows
      try {
        const { bytes } = body
        rows = await decoder.decode(transcode(bytes, Math.floor(Date.now() / 1000)), bytes.length)
        stats.bytes += bytes.length
      } finally {
        body.release()
      }
      const rowBytes = toRowBatches(rows).reduce((sum, section) => sum + section.bytes.length, 0)
      budget.reserve(rowBytes)
      try {
        await append(rows)
      } catch (cause) {
        throw new RetryableError(`${items} could not be kept, try again`, { cause })
      } finally {
        budget.release(rowBytes)
      }
      const outcome = toIngestResult(rows)
      stats[items] += outcome.accepted
      if (items === 'spans') stats.rejectedSpans += outcome.rejected
      if (items === 'logs') stats.rejectedLogs += outcome.rejected
      if (items === 'points') stats.rejectedPoints += outcome.rejected
      return outcome
    },
  }
}
