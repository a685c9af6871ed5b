import type { Store } from '../../clickhouse/store.ts'
import type { TraceSummary } from '@spanlink/api-schema'
import type { Scanned } from '../../query/sql/searched-range.ts'
import { fetchSummaries, summarizeSpans } from '../../query/traces/summaries/fetch-summaries.ts'
import { executeWithinDeadline } from './execute-query.ts'
import type { Field, Pipeline, Query } from '../syntax/ast.ts'
import { parseChecked } from '../analyze/check.ts'
import { describeField } from '../syntax/describe.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import type { LabelType } from '../metrics/labels.ts'
import { findMatches, type Match } from './find-matches.ts'
import type { SpansetResult } from '../evaluate/pipeline.ts'
import { limits } from '../limits.ts'
import { searchCursor, pageLimitWarning, type Position } from './search-cursor.ts'
import { listShownFields, type Plan, planPipeline } from '../analyze/plan.ts'
import type { Search, SearchRange } from './search.ts'
import { type ResultSpan, toResultSpan } from './result-spans.ts'
import type { TraceRows } from './trace-rows.ts'

export type SearchOptions = SearchRange & {
  /** Traces. @default 20 */
  readonly limit?: number
  /** `nextCursor` of the previous page, of the same query, start and end. */
  readonly cursor?: string
  /** Spans shown of each spanset. @default 3 */
  readonly spansPerSpanset?: number
  /** Called while the search goes on, each time it has read more traces. */
  readonly onProgress?: (progress: SearchProgress) => void
}

export type SearchProgress = {
  /** Further traces of the result, in its order. */
  readonly traces: readonly ResultTrace[]
  /** The oldest time searched so far; undefined if a link operator found the traces. */
  readonly scannedUntil: bigint | undefined
}

export type SearchResult = {
  /** Newest first by their newest span that a filter matches. */
  readonly traces: readonly ResultTrace[]
  /** Absent on the last page. */
  readonly nextCursor?: string
  /** Missing parts of the result and what to do; empty when it is complete. */
  readonly warnings: readonly string[]
  readonly scanned: Scanned
}

export type ResultTrace = {
  readonly summary: TraceSummary
  /** One, or one per group of by(). */
  readonly spansets: readonly ResultSpanset[]
}

type ResultSpanset = {
  /** Number of matching spans; `spans` has the first ones. */
  readonly matched: number
  readonly spans: readonly ResultSpan[]
  /** Values of by(); null where the spans have none. */
  readonly group: readonly { readonly field: string; readonly value: string | null; readonly type: LabelType }[]
  /** Aggregates that the pipeline compares, in query syntax. Durations are nanoseconds. */
  readonly aggregates: readonly {
    readonly name: string
    readonly value: number
    readonly type: 'int' | 'float' | 'duration'
  }[]
}

/**
 * Executes a TraceQL search. Spans inside the window find a trace, which is then evaluated whole.
 *
 * @throws TraceQLError when the query is invalid or exceeds a limit; InvalidCursorError; StoreError
 */
export async function searchTraceQL(store: Store, text: string, options: SearchOptions): Promise<SearchResult> {
  const { pipeline } = parseSearch(text)
  const shown = listShownFields(pipeline)
  const plan = planPipeline(pipeline, { labels: shown })
  const search = createSearch(store, options)
  const after = options.cursor === undefined ? undefined : searchCursor.decode(options.cursor)
  const limit = options.limit ?? 20
  const max = options.spansPerSpanset ?? 3
  const groupFields = listGroupFields(pipeline)
  const pick = ({ rows, spansets, position }: Match): Found => ({
    traceId: rows.traceId,
    spansets: spansets.map((spanset) => toResultSpanset(spanset, rows, plan, shown, groupFields, max)),
    summary: rows.backlinks && summarizeSpans(rows.traceId, rows.spans, rows.backlinks),
    position,
  })
  const { onProgress } = options
  const summaries = new Map<string, TraceSummary>()
  const toTraces = async (found: readonly Found[]): Promise<ResultTrace[]> => {
    const ids = found.flatMap(({ traceId, summary }) => ((summary ?? summaries.get(traceId)) ? [] : [traceId]))
    const fetched = ids.length > 0 && (await executeWithinDeadline(search, (run) => fetchSummaries(store, ids, run)))
    for (const [traceId, summary] of fetched || []) summaries.set(traceId, summary)
    return found.flatMap(({ traceId, spansets, summary = summaries.get(traceId) }): ResultTrace[] => {
      // Retention may delete a trace between two statements.
      return summary ? [{ summary, spansets }] : []
    })
  }
  let reported = 0
  const report = async (found: readonly Found[], { newest }: Position): Promise<void> => {
    const fresh = found.slice(reported, limit)
    reported += fresh.length
    onProgress?.({ traces: await toTraces(fresh), scannedUntil: newest === 0n ? undefined : newest })
  }
  // One more than requested shows whether there is a next page.
  const scope = { window: search.window, within: undefined }
  const { matches: found, rest } = await findMatches(search, plan, scope, limit + 1, pick, after, onProgress && report)
  const matches = found.slice(0, limit)
  const last = found.length > limit ? matches.at(-1)?.position : rest
  if (last && found.length <= limit) search.warnings.add(pageLimitWarning)
  const next = { ...(last && { nextCursor: searchCursor.encode(last) }), scanned: toScanned(search, after, last) }
  return { traces: await toTraces(matches), ...next, warnings: [...search.warnings] }
}

type Found = {
  readonly traceId: string
  readonly spansets: readonly ResultSpanset[]
  /** Undefined if the trace was too large to be read whole. */
  readonly summary: TraceSummary | undefined
  readonly position: Position
}

function toResultSpanset(
  { members, group, aggregates }: SpansetResult,
  rows: TraceRows,
  plan: Plan,
  shown: readonly Field[],
  groupFields: readonly string[],
  max: number,
): ResultSpanset {
  return {
    matched: members.reduce((count, member) => count + member, 0),
    spans: listMembers(members, max).map((at) => toResultSpan(rows, at, plan, shown)),
    group: group.map((label, at) => ({
      field: groupFields[at] ?? '',
      value: label?.text ?? null,
      type: label?.type ?? 'string',
    })),
    aggregates: Array.from(aggregates, ([{ fn, field }, value]) => ({
      name: `${fn}(${field === undefined ? '' : describeField(field)})`,
      value,
      type: getAggregateType(fn, field, value),
    })),
  }
}

function getAggregateType(fn: string, field: Field | undefined, value: number): 'int' | 'float' | 'duration' {
  if (field?.kind === 'intrinsic' && intrinsics[field.name].type === 'duration') return 'duration'
  return fn !== 'avg' && Number.isSafeInteger(value) ? 'int' : 'float'
}

function toScanned({ warnings, window }: Search, after: Position | undefined, last: Position | undefined): Scanned {
  // Traces that a link operator found are not ordered by time.
  const until = last?.newest === 0n ? window.end : last?.newest
  return { from: after?.newest || undefined, until, isCut: warnings.size > 0 }
}

export function parseSearch(text: string): Query & { kind: 'search' } {
  const query = parseChecked(text)
  if (query.kind === 'search') return query
  throw new TraceQLError('type', 'This query returns series, not traces: remove the metrics function to search.', {
    text,
    from: query.from,
    to: query.to,
  })
}

export function createSearch(store: Store, options: SearchRange): Search {
  if (options.end <= options.start)
    throw new TraceQLError('limit', 'The time range is empty: its end must be after its start.')
  return {
    store,
    window: { start: options.start, end: options.end },
    signal: options.signal,
    deadline: performance.now() + (options.timeoutMs ?? limits.timeoutMs),
    warnings: new Set(),
  }
}

/** Indexes of the first members. */
function listMembers(members: Uint8Array, max: number): readonly number[] {
  const indexes: number[] = []
  for (let at = members.indexOf(1); at !== -1 && indexes.length < max; at = members.indexOf(1, at + 1)) indexes.push(at)
  return indexes
}

/** Lists the fields of by(), in the order of a group's values; coalesce() clears them. */
function listGroupFields(pipeline: Pipeline): readonly string[] {
  let fields: string[] = []
  for (const stage of pipeline.stages) {
    if (stage.kind === 'coalesce') fields = []
    if (stage.kind === 'by') fields.push(...stage.fields.map(describeField))
  }
  return fields
}
