import { type Outcome, outcomeOf, type SignalRows } from './sections.ts'
import type { Signal, Transcode } from './signal.ts'

/** What has come in since the start. */
export type IngestCounters = {
  /** Requests for a path or method that there is, whatever became of them. */
  requests: number
  spans: number
  rejectedSpans: number
  logs: number
  points: number
  rejectedPoints: number
  /** Of bodies, decompressed. */
  bytes: number
}

export type Intake = {
  readonly stats: IngestCounters
  /**
   * Turns a body into rows and resolves when they may be acked.
   *
   * @throws OtlpError when the body isn't what it should be, NotKeptError when its rows can't be kept now
   */
  take(items: Signal['items'], transcode: Transcode, body: Uint8Array): Promise<Outcome>
}

/** The sender should try again. */
export class NotKeptError extends Error {}

/** @param append resolves when the rows may be acked */
export function intakeInto(append: (rows: SignalRows) => Promise<void>): Intake {
  const stats = { requests: 0, spans: 0, rejectedSpans: 0, logs: 0, points: 0, rejectedPoints: 0, bytes: 0 }
  return {
    stats,
    take: async (items, transcode, body) => {
      const rows = transcode(body, Math.floor(Date.now() / 1000))
      try {
        await append(rows)
      } catch (cause) {
        throw new NotKeptError(`${items} could not be kept, try again`, { cause })
      }
      const outcome = outcomeOf(rows)
      stats.bytes += body.length
      stats[items] += outcome.accepted
      if (items === 'spans') stats.rejectedSpans += outcome.rejected
      if (items === 'points') stats.rejectedPoints += outcome.rejected
      return outcome
    },
  }
}
