import { ByteBudget } from './body/byte-budget.ts'
import type { Body } from './body/request-body.ts'
import { SlicedDecoder } from './body/sliced-decoder.ts'
import { sumBytes } from '../journal/row-batches.ts'
import type { Redactor } from '../otlp/redact/redactor.ts'
import type { SignalRows } from '../otlp/rows.ts'
import type { Transcode } from '../otlp/wire/envelope.ts'
import { type Client, RejectionLog } from './rejection-log.ts'
import type { Signal } from './signals.ts'

/** Why a whole request was rejected; the label of the metric. */
export type RejectionReason =
  /** Invalid OTLP, corrupt compression, or unsupported encoding. */
  | 'malformed'
  /** Attributes or nesting of an item exceed the limits. */
  | 'overLimit'
  /** The body or its rows exceed the size limit. */
  | 'tooLarge'
  /** Memory, journal or disk is full; the client should retry. */
  | 'busy'
  /** Without a valid token, or without the role `ingest`. */
  | 'unauthorized'
  /** The token's limit, or that of wrong tokens, is exceeded; the client should retry. */
  | 'rateLimited'
  /** Internal error; see the log. */
  | 'failed'

/** Counters since the start of the process. */
export type IngestCounters = {
  /** Requests for a known HTTP path or gRPC method, accepted or rejected. */
  requests: number
  spans: number
  rejectedSpans: number
  logs: number
  rejectedLogs: number
  points: number
  rejectedPoints: number
  /** Requests rejected as a whole, by reason. */
  readonly rejectedRequests: Record<RejectionReason, number>
  /** Decompressed bytes of the bodies that were decoded. */
  bytes: number
}

/** Counts that a receiver reports for a request of any signal. */
export type IngestResult = Pick<SignalRows, 'accepted' | 'rejected' | 'rejectReason'>

export type IngestPipeline = {
  readonly stats: IngestCounters
  /** Counts and logs a request that got an error response. */
  countRejection(client: Client, reason: RejectionReason, message: string): void
  /**
   * Decodes a body to rows, releases it, and resolves when the rows may be acknowledged. Counts and
   * logs rejected items.
   *
   * @throws OtlpError for an invalid body, RetryableError if the rows can't be stored now
   */
  ingest(client: Client, items: Signal['items'], transcode: Transcode, body: Body): Promise<IngestResult>
}

/** The client should retry. */
export class RetryableError extends Error {}

/**
 * @param append resolves when the rows may be acknowledged
 * @param budget counts rows until they are acknowledged
 * @param rejectionLog @default no log
 * @param redactor @default rows have everything that was sent
 */
export function createIngestPipeline(
  append: (rows: SignalRows) => Promise<void>,
  budget: ByteBudget = new ByteBudget(Number.POSITIVE_INFINITY),
  rejectionLog: RejectionLog = new RejectionLog(() => {}),
  redactor?: Redactor,
): IngestPipeline {
  const rejectedRequests = {
    malformed: 0,
    overLimit: 0,
    tooLarge: 0,
    busy: 0,
    unauthorized: 0,
    rateLimited: 0,
    failed: 0,
  }
  const stats = {
    requests: 0,
    spans: 0,
    rejectedSpans: 0,
    logs: 0,
    rejectedLogs: 0,
    points: 0,
    rejectedPoints: 0,
    rejectedRequests,
    bytes: 0,
  }
  const decoder = new SlicedDecoder((bytes) => budget.reserve(bytes))
  return {
    stats,
    countRejection: (client, reason, message) => {
      rejectedRequests[reason]++
      rejectionLog.add({ client, reason: toLabel(reason), items: 'requests', count: 1, message })
    },
    ingest: async (client, items, transcode, body) => {
      let rows: SignalRows
      try {
        const { bytes } = body
        rows = await decoder.decode(transcode(bytes, Math.floor(Date.now() / 1000), redactor), bytes.length)
        stats.bytes += bytes.length
      } finally {
        body.release()
      }
      const rowBytes = sumBytes(rows.batches)
      budget.reserve(rowBytes)
      try {
        await append(rows)
      } catch (cause) {
        throw new RetryableError(`${items} were not stored; retry`, { cause })
      } finally {
        budget.release(rowBytes)
      }
      const { accepted, rejected, rejectReason } = rows
      stats[items] += accepted
      stats[REJECTED[items]] += rejected
      if (rejected > 0) rejectionLog.add({ client, reason: 'invalid', items, count: rejected, message: rejectReason })
      return { accepted, rejected, rejectReason }
    },
  }
}

const REJECTED = { spans: 'rejectedSpans', logs: 'rejectedLogs', points: 'rejectedPoints' } as const

/** As in the metric. */
function toLabel(reason: RejectionReason): string {
  return reason.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`)
}
