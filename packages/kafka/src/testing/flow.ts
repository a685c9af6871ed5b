import type { HrTime } from '@opentelemetry/api'
import { isSameSpan, type RecordedSpan } from './recorded-span.ts'

/** A link between two spans that were both recorded. */
export interface FlowLink {
  /** The span that was linked to: a producer's. */
  readonly from: RecordedSpan
  /** The span that has the link: a consumer's, or a Send span's to a Create span. */
  readonly to: RecordedSpan
}

/** Traces that links connect with one span, in either direction, over any number of hops. */
export interface Flow {
  /** By the start of each trace's first span; each trace by the start of its spans. */
  readonly traces: readonly (readonly RecordedSpan[])[]
  readonly links: readonly FlowLink[]
  /**
   * The flow as text without ids and times, for snapshots. Spans are indented below their parents;
   * `←` names what a span links to.
   *
   *     POST /orders
   *       send orders
   *
   *     process orders ← send orders
   *       send payments
   */
  toString(): string
}

/**
 * @param spans as recorded, of all services of the test
 * @param start a span of the flow @default the first of `spans` to start
 */
export function collectFlow(
  spans: readonly RecordedSpan[],
  start: RecordedSpan | undefined = findEarliest(spans),
): Flow {
  const links = collectLinks(spans)
  const reached = new Set<string>()
  const open = start === undefined ? [] : [getTraceId(start)]
  for (let trace = open.pop(); trace !== undefined; trace = open.pop()) {
    if (reached.has(trace)) continue
    reached.add(trace)
    for (const { from, to } of links) {
      if (getTraceId(from) === trace) open.push(getTraceId(to))
      if (getTraceId(to) === trace) open.push(getTraceId(from))
    }
  }
  const traces = [...reached]
    .map((trace) => spans.filter((span) => getTraceId(span) === trace).toSorted(compareStart))
    .toSorted(([a], [b]) => compareStart(a!, b!))
  const inFlow = links.filter(({ to }) => reached.has(getTraceId(to)))
  return { traces, links: inFlow, toString: () => traces.map((trace) => formatTrace(trace, inFlow)).join('\n\n') }
}

function collectLinks(spans: readonly RecordedSpan[]): FlowLink[] {
  const byId = new Map(spans.map((span) => [getSpanKey(span.spanContext()), span]))
  return spans.flatMap((to) =>
    to.links.flatMap(({ context }) => {
      const from = byId.get(getSpanKey(context))
      return from ? [{ from, to }] : []
    }),
  )
}

function formatTrace(trace: readonly RecordedSpan[], links: readonly FlowLink[]): string {
  const lines: string[] = []
  const isIn = (span: RecordedSpan): boolean =>
    trace.some((one) => isSameSpan(span.parentSpanContext, one.spanContext()))
  const draw = (span: RecordedSpan, depth: number): void => {
    const targets = links.filter(({ to }) => to === span).map(({ from }) => from.name)
    const linked = targets.length > 0 ? ` ← ${[...formatCounts(targets)].join(', ')}` : ''
    lines.push(`${'  '.repeat(depth)}${span.name}${linked}`)
    for (const child of trace) {
      if (isSameSpan(child.parentSpanContext, span.spanContext())) draw(child, depth + 1)
    }
  }
  for (const span of trace) if (!isIn(span)) draw(span, 0)
  return lines.join('\n')
}

function* formatCounts(names: readonly string[]): Iterable<string> {
  for (const name of new Set(names)) {
    const count = names.filter((other) => other === name).length
    yield count > 1 ? `${count} × ${name}` : name
  }
}

function getSpanKey({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string {
  return `${traceId}-${spanId}`
}

function getTraceId(span: RecordedSpan): string {
  return span.spanContext().traceId
}

function findEarliest(spans: readonly RecordedSpan[]): RecordedSpan | undefined {
  return spans.toSorted(compareStart)[0]
}

function compareStart(a: RecordedSpan, b: RecordedSpan): number {
  return compareTimes(a.startTime, b.startTime) || compareTimes(b.endTime, a.endTime)
}

function compareTimes(a: HrTime, b: HrTime): number {
  return a[0] - b[0] || a[1] - b[1]
}
