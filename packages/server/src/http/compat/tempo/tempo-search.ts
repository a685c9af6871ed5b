import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import { pickDurationUnit } from '@spanlink/api-schema/duration'
import type { searchTraceQL } from '../../../traceql/execute/search-traceql.ts'
import type { TempoSpan, TempoSpanSet, TempoTrace } from './tempo-messages.ts'

type Found = Awaited<ReturnType<typeof searchTraceQL>>['traces'][number]
type FoundSpan = Found['spansets'][number]['spans'][number]

const UINT32_MAX = 2 ** 32 - 1

export function toTempoTrace({ summary, spansets }: Found, queryText: string): TempoTrace {
  return {
    traceID: summary.traceId,
    rootServiceName: summary.rootMissing ? '<root span not yet received>' : summary.rootService,
    rootTraceName: summary.rootMissing ? '' : summary.rootName,
    startTimeUnixNano: summary.startTimeUnixNano,
    durationMs: Math.min(Number(BigInt(summary.durationNano) / 1_000_000n), UINT32_MAX),
    spanSets: spansets.map(({ matched, spans, group, aggregates }) => ({
      spans: spans.map((span) => toTempoSpan(span, queryText)),
      matched,
      ...toAttributes(group, aggregates),
    })),
    serviceStats: Object.fromEntries(
      summary.services.map(({ name, spanCount, errorCount }) => [name, { spanCount, errorCount }]),
    ),
  }
}

type Spanset = Found['spansets'][number]

/**
 * Converts what the spans of a set have in common: their by() values, and the aggregates that the
 * query compared.
 */
function toAttributes(group: Spanset['group'], aggregates: Spanset['aggregates']): Pick<TempoSpanSet, 'attributes'> {
  const attributes: KeyValue[] = [
    ...group.map(({ field, value, type }) => ({
      key: `by(${field.replace(/^span:/, '')})`,
      value: value === null ? { stringValue: 'nil' } : toAnyValue(typeCodes[type], value),
    })),
    ...aggregates.map(({ name, value, type }) => ({
      key: name.replace('(span:', '('),
      value:
        type === 'duration'
          ? { stringValue: formatGoDuration(value) }
          : toAnyValue(type === 'int' ? 'i' : 'd', String(value)),
    })),
  ]
  return attributes.length === 0 ? {} : { attributes }
}

const typeCodes = { string: 's', int: 'i', float: 'd', bool: 'b' } as const

/**
 * Formats nanoseconds as Go does a time.Duration below one minute. Longer ones stay in seconds,
 * which Go parses as well.
 */
function formatGoDuration(nanos: number): string {
  const [unit, size] = pickDurationUnit(nanos, 's')
  return `${nanos / size}${unit}`
}

function toTempoSpan(span: FoundSpan, queryText: string): TempoSpan {
  const attributes: KeyValue[] = span.attributes.map(({ field, type, value }) => ({
    key: toPlainName(field),
    value: toAnyValue(type, value),
  }))
  // Columns of the span: our API returns them beside the attributes, Tempo among them.
  for (const key of ['status', 'kind'] as const) {
    if (new RegExp(`\\b${key}\\b`).test(queryText)) attributes.push({ key, value: { stringValue: span[key] } })
  }
  const service = { key: 'service.name', value: { stringValue: span.service } }
  return {
    spanID: span.spanId,
    name: span.name,
    startTimeUnixNano: span.startTimeUnixNano,
    durationNanos: span.durationNanos,
    attributes: attributes.some(({ key }) => key === 'service.name') ? attributes : [...attributes, service],
  }
}

/** Tempo returns fields without their scope: `http.method`, `status`. */
function toPlainName(field: string): string {
  return field.replace(/^(?:(?:parent\.)?(?:span|resource|event|link|instrumentation)?\.|(?:span|trace):)/, '')
}

function toAnyValue(type: string, value: string): AnyValue {
  if (type === 'i' && /^-?[0-9]+$/.test(value)) return { intValue: value }
  if (type === 'd' && Number.isFinite(Number(value))) return { doubleValue: Number(value) }
  if (type === 'b') return { boolValue: value === 'true' }
  return { stringValue: value }
}
