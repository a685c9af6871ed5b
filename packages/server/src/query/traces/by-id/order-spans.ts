import { toSpanKey } from '../../links/span-ref.ts'
import { KINDS, type SpanHead } from '../../trace-rows/trace-row.ts'

type OrderedSpan = Pick<SpanHead, 'traceId' | 'spanId' | 'kind' | 'service' | 'start'>

/** Returns each span of a trace once, in order of start. */
export function orderSpans<Span extends OrderedSpan>(rows: readonly Span[]): Span[] {
  const spans = new Map<string, Span>()
  for (const row of rows) {
    let key = row.spanId
    let known = spans.get(key)
    // Few spans share an id, so few need a longer key.
    if (known !== undefined && (known.kind !== row.kind || known.service !== row.service)) {
      key = toSpanKey(row)
      known = spans.get(key)
    }
    if (known === undefined || row.start < known.start) spans.set(key, row)
  }
  return [...spans.values()].sort(compareSpans)
}

function compareSpans(a: OrderedSpan, b: OrderedSpan): number {
  return (
    compare(a.start, b.start) ||
    compare(a.spanId, b.spanId) ||
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    compare(a.service, b.service)
  )
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b)
}
