import type { OperationsResponse, TraceResponse } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { countLostTraceParts } from '../../../query/sql/missing-parts.ts'
import { listOperations } from '../../../query/traces/names.ts'
import { withUniqueSpanIds } from '../../../query/traces/span-parents.ts'
import { findTrace } from '../../../query/traces/by-id/trace.ts'
import { searchTraceQL } from '../../../traceql/execute/search-traceql.ts'
import { toProblem } from '../../problems.ts'
import { parseCount, type TextQuery } from '../query.ts'
import { type JaegerSearch, toTraceQL } from './jaeger-parameters.ts'

/** Limits of one search: Jaeger's search returns traces with all their spans. */
const MAX_TRACES = 1_500
export const MAX_SPANS = 200_000

export type Found = Awaited<ReturnType<typeof searchTraceQL>>['traces'][number]

export function parseLimit(query: TextQuery, ...names: readonly string[]): number {
  return parseCount(query, names, { missing: 100, zero: 1, max: MAX_TRACES })
}

export async function searchSummaries(
  store: Store,
  search: JaegerSearch & { readonly start: bigint; readonly end: bigint; readonly limit: number },
  options: QueryOptions,
): Promise<readonly Found['summary'][]> {
  const { start, end, limit } = search
  const found = await searchTraceQL(store, toTraceQL(search), { ...options, start, end, limit, spansPerSpanset: 1 })
  return found.traces.map(({ summary }) => summary)
}

/**
 * Fetches and converts traces, `parallel` at a time, until they have `MAX_SPANS`; `left` counts the
 * others.
 */
export async function fetchTraces<Converted>(
  store: Store,
  ids: readonly string[],
  { parallel, convert }: { readonly parallel: number; readonly convert: (trace: TraceResponse) => Converted },
  options: QueryOptions,
): Promise<{ readonly found: readonly Converted[]; readonly left: number }> {
  const found: Converted[] = []
  let spans = 0
  for (let at = 0; at < ids.length; at += parallel) {
    if (spans >= MAX_SPANS) return { found, left: ids.length - at }
    const some = await Promise.all(ids.slice(at, at + parallel).map((id) => findTrace(store, id, options)))
    for (const trace of some) {
      if (trace === undefined) continue
      spans += trace.spans.length
      found.push(convert(withUniqueSpanIds(trace)))
    }
  }
  return { found, left: 0 }
}

/** Lists the operations of a service and a kind, or of all. */
export async function listSpanKinds(
  store: Store,
  { service, kind }: { readonly service: string | undefined; readonly kind: string | undefined },
  options: QueryOptions,
): Promise<readonly { readonly name: string; readonly spanKind: OperationsResponse['operations'][number]['kind'] }[]> {
  const { operations } = await listOperations(store, { service }, options)
  const found = operations.map(({ name, kind: spanKind }) => ({ name, spanKind }))
  return found.filter(({ spanKind }) => kind === undefined || spanKind === kind)
}

/** Jaeger clients recognize this message. */
class UnknownTraceError extends Error {
  /** Unreadable parts and rows that the trace may have been in. */
  readonly missingParts: number

  constructor(missingParts: number) {
    super('trace not found')
    this.missingParts = missingParts
    this.name = 'UnknownTrace'
  }
}

/** @throws UnknownTraceError if there is none */
export function requireTraces<Converted>(
  store: Store,
  traceIds: readonly string[],
  found: readonly Converted[],
): readonly Converted[] {
  if (found.length === 0) throw new UnknownTraceError(countLostTraceParts(store, traceIds))
  return found
}

/** The status and message of a failed request. */
export function toJaegerProblem(error: unknown): {
  readonly status: number
  readonly detail: string
  readonly missingParts: number
} {
  if (!(error instanceof UnknownTraceError)) return { ...toProblem(error), missingParts: 0 }
  return { status: 404, detail: error.message, missingParts: error.missingParts }
}
