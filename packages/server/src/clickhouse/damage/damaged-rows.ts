import { limitLog, type Log } from '../../log.ts'

/** Traces whose damaged rows are remembered, so that responses can be marked. */
const MAX_TRACES = 10_000

const DOCS = 'https://github.com/spanlink/spanlink/blob/main/docs/operations.md#corrupt-parts-of-tables'

/**
 * Rows of `trace_rows` with a payload that could not be decoded, as far as queries have met them.
 * Logs them at most once in ten seconds.
 */
export class DamagedRows {
  readonly #log: Log
  readonly #countByTrace = new Map<string, number>()
  #count = 0

  constructor(log: Log) {
    this.#log = limitLog(log)
  }

  /** @param count damaged rows among those that one statement read of the trace */
  add(traceId: string, count: number, reason: string): void {
    const known = this.#countByTrace.get(traceId) ?? 0
    // A statement may read a part of the trace, or the same rows again.
    this.#countByTrace.delete(traceId)
    this.#countByTrace.set(traceId, Math.max(known, count))
    this.#count += Math.max(0, count - known)
    for (const [oldest] of this.#countByTrace) {
      if (this.#countByTrace.size <= MAX_TRACES) break
      this.#countByTrace.delete(oldest)
    }
    this.#log(
      `${count} stored rows of the trace ${traceId} can't be decoded and are missing in responses: ${reason}. See ${DOCS}`,
      { level: 'error' },
    )
  }

  /** Rows since the start. */
  count(): number {
    return this.#count
  }

  countOf(traceIds: Iterable<string>): number {
    let count = 0
    if (this.#countByTrace.size > 0) for (const id of new Set(traceIds)) count += this.#countByTrace.get(id) ?? 0
    return count
  }
}
