import { resolveParents, type TreeSpan } from '../../query/traces/span-parents.ts'
import type { BacklinkHead } from '../../query/trace-rows/backlink-row.ts'
import type { StoredValue } from '../../query/trace-rows/trace-row.ts'
import type { Plan } from '../analyze/plan.ts'
import { readCondition } from '../evaluate/condition.ts'
import { measureTrace, type Read, readNumber } from '../evaluate/field-value.ts'
import { readText } from '../evaluate/field-text.ts'
import { type NestedSet, numberNestedSet } from '../evaluate/nested-set.ts'
import { createRegexMatches } from '../evaluate/regex-matches.ts'
import { buildTree } from '../evaluate/structure.ts'
import type { FetchedSpan, SpanSource, TraceSpan } from '../evaluate/trace-span.ts'
import { type FetchOptions, fetchSpans } from './fetch-spans.ts'
import { fetchLogEvents, type GetLogEvents } from './log-events.ts'
import type { Search } from './search.ts'
import { fetchSources } from './span-sources.ts'

/** The spans of one trace, by start: the input of structure and stages. */
export type TraceRows = {
  readonly traceId: string
  readonly spans: readonly TraceSpan[]
  /** `createSpanKey` of each span: several may share an id. */
  readonly keys: readonly string[]
  /** '' for none. */
  readonly parentIds: readonly string[]
  /** Index of the parent; below 0 for none or one that is missing. */
  readonly parents: Int32Array
  /** Per condition of the plan: which spans match, one byte each. */
  readonly matches: readonly Uint8Array[]
  readonly numbers: readonly (readonly (number | undefined)[])[]
  readonly labels: readonly (readonly (StoredValue | undefined)[])[]
  /** Links to the spans; undefined if they were not read. */
  readonly backlinks: readonly BacklinkHead[] | undefined
}

/** Identity of a span in its trace. */
function createSpanKey({ spanId, kind, service }: Pick<TreeSpan, 'spanId' | 'kind' | 'service'>): string {
  return `${spanId} ${kind} ${service}`
}

/** Undefined if the traces are too large to be read at once. */
export type ReadTraces = (ids: readonly string[]) => Promise<ReadonlyMap<string, TraceRows> | undefined>

/** Creates a function that reads whole traces and evaluates the fields of a plan on their spans. */
export function createTraceReader(
  search: Search,
  plan: Plan,
  options: Pick<FetchOptions, 'withBacklinks'>,
): ReadTraces {
  const { fetched } = plan
  const regexes = createRegexMatches()
  const conditions = plan.conditions.map((field) => field && readCondition(field, regexes))
  const numbers = plan.numbers.map(readNumber)
  const labels = plan.labels.map((field) => readText(field, regexes))
  const evaluate = (spans: readonly TraceSpan[]): Pick<TraceRows, 'matches' | 'numbers' | 'labels'> => ({
    matches: conditions.map((read) => Uint8Array.from(spans, (span) => (read === undefined || read(span) ? 1 : 0))),
    numbers: readColumns(numbers, spans),
    labels: readColumns(labels, spans),
  })
  return async (ids) => {
    const [rows, getLogEvents] = await Promise.all([
      fetchSpans(search, ids, fetched, options),
      fetched.events ? fetchLogEvents(search, ids) : undefined,
    ])
    if (rows === undefined) return undefined
    const { spans } = rows
    const sources = fetched.source ? await fetchSources(search, spans.map(getSourceId)) : new Map<string, SpanSource>()
    const byTrace = Map.groupBy(spans, (span) => span.traceId)
    const backlinks = rows.backlinks && Map.groupBy(rows.backlinks, (link) => link.traceId)
    const traces = Array.from(byTrace.values(), (all) => buildTrace(all, sources, getLogEvents))
    for (;;) {
      const evaluated = traces.map((trace): TraceRows => ({
        ...trace,
        ...evaluate(trace.spans),
        backlinks: backlinks && (backlinks.get(trace.traceId) ?? []),
      }))
      if (regexes.countUnknown() === 0) return new Map(evaluated.map((trace) => [trace.traceId, trace]))
      await regexes.resolve(search)
    }
  }
}

function readColumns<T>(reads: readonly Read<T>[], spans: readonly TraceSpan[]): T[][] {
  return reads.map((read) => spans.map((span) => read(span)))
}

function getSourceId(span: FetchedSpan): string {
  return span.sourceId
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

function buildTrace(
  all: readonly FetchedSpan[],
  sources: ReadonlyMap<string, SpanSource>,
  getLogEvents: GetLogEvents | undefined,
): Pick<TraceRows, 'traceId' | 'spans' | 'keys' | 'parentIds' | 'parents'> {
  const byKey = new Map<string, FetchedSpan>()
  for (const span of all.toSorted(compareSpans)) {
    const key = createSpanKey(span)
    if (!byKey.has(key)) byKey.set(key, span)
  }
  const fetched = [...byKey.values()]
  const parents = resolveParents(fetched)
  const parentIds = fetched.map((span) => span.parentSpanId)
  let nested: NestedSet | undefined
  const trace = {
    duration: measureTrace(fetched),
    root: fetched.find((span) => span.parentSpanId === ''),
    childCounts: countChildren(parents),
    nested: () => (nested ??= numberNestedSet(buildTree({ parents, parentIds }))),
  }
  const spans = fetched.map((span, at): Mutable<TraceSpan> => ({
    ...span,
    events: getLogEvents ? [...span.events, ...getLogEvents(span)] : span.events,
    source: sources.get(span.sourceId),
    parent: undefined,
    trace,
    at,
  }))
  for (const [at, span] of spans.entries()) span.parent = spans[parents[at] ?? -1]
  return { traceId: fetched[0]?.traceId ?? '', spans, keys: [...byKey.keys()], parentIds, parents }
}

/** By start; spans that start at the same time by id. */
function compareSpans(a: FetchedSpan, b: FetchedSpan): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1
  return compareTexts(a.spanId, b.spanId) || compareTexts(a.kind, b.kind) || compareTexts(a.service, b.service)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function countChildren(parents: Int32Array): Uint32Array {
  const counts = new Uint32Array(parents.length)
  for (const parent of parents) if (parent >= 0) counts[parent] = (counts[parent] ?? 0) + 1
  return counts
}
