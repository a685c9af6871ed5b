import type { Series } from '../../query/traceql/metrics-series.ts'

/** `tempopb.TimeSeries`. */
export function rangeSeries(series: readonly Series[]): readonly object[] {
  return series.map((one) => ({
    ...labelsOf(one),
    samples: one.points
      .filter(({ value }) => Number.isFinite(value))
      .map(({ timeUnixNano, value }) => ({ timestampMs: millisOf(BigInt(timeUnixNano)), value })),
  }))
}

/** `tempopb.InstantSeries`: one value a series, over all of the time range. Grafana refuses fields that it does not know. */
export function instantSeries(series: readonly Series[]): readonly object[] {
  return series.flatMap((one) => {
    const value = one.points.at(-1)?.value
    return value === undefined || !Number.isFinite(value) ? [] : [{ ...labelsOf(one), value }]
  })
}

function labelsOf({ labels }: Series): object {
  return { labels: Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: value ?? 'nil' } })) }
}

function millisOf(nanos: bigint): string {
  return String(nanos / 1_000_000n)
}
