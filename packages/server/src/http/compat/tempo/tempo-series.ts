import type { AnyValue } from '@spanlink/api-schema'
import type { Exemplar, Series } from '../../../traceql/metrics/series.ts'
import type { Label } from '../../../traceql/metrics/labels.ts'
import { toTempoName } from '../../../traceql/syntax/intrinsics.ts'
import type { InstantSeries, RangeSeries, TempoExemplar } from './tempo-messages.ts'

export function toRangeSeries(series: readonly Series[]): readonly RangeSeries[] {
  return series.map((one) => ({
    ...toLabels(one),
    samples: one.points
      .filter(({ value }) => Number.isFinite(value))
      .map(({ timeUnixNano, value }) => ({ timestampMs: toMillis(BigInt(timeUnixNano)), value })),
    ...(one.exemplars?.length ? { exemplars: one.exemplars.map(toExemplar) } : {}),
  }))
}

/** Grafana creates links by these label names. */
function toExemplar({ traceId, spanId, timeUnixNano, value }: Exemplar): TempoExemplar {
  return {
    labels: [
      { key: 'trace:id', value: { stringValue: traceId } },
      { key: 'span:id', value: { stringValue: spanId } },
    ],
    value,
    timestampMs: toMillis(BigInt(timeUnixNano)),
  }
}

/** One value per series, over the whole time range. */
export function toInstantSeries(series: readonly Series[]): readonly InstantSeries[] {
  return series.flatMap((one) => {
    const value = one.points.at(-1)?.value
    return value === undefined || !Number.isFinite(value) ? [] : [{ ...toLabels(one), value }]
  })
}

function toLabels({ labels }: Series): Pick<InstantSeries, 'labels'> {
  return {
    labels: Object.entries(labels).map(([field, label]) => ({ key: toTempoName(field), value: toLabelValue(label) })),
  }
}

function toLabelValue(label: Label | null): AnyValue {
  if (label?.type === 'int') return { intValue: label.text }
  if (label?.type === 'float' && Number.isFinite(Number(label.text))) return { doubleValue: Number(label.text) }
  if (label?.type === 'bool') return { boolValue: label.text === 'true' }
  return { stringValue: label?.text ?? 'nil' }
}

function toMillis(nanos: bigint): string {
  return String(nanos / 1_000_000n)
}
