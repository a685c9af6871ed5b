import type { Series } from '../../query/traceql/metrics-series.ts'

/** `tempopb.TimeSeries`, with `promLabels` as older Grafanas read it. */
export function rangeSeries(series: readonly Series[]): readonly object[] {
  return series.map((one) => ({
    ...labelsOf(one),
    samples: one.points
      .filter(({ value }) => Number.isFinite(value))
      .map(({ timeUnixNano, value }) => ({ timestampMs: millisOf(BigInt(timeUnixNano)), value })),
  }))
}

/** One value a series, over all of the time range. */
export function instantSeries(series: readonly Series[], end: bigint): readonly object[] {
  return series.flatMap((one) => {
    const value = one.points.at(-1)?.value
    return value === undefined || !Number.isFinite(value)
      ? []
      : [{ ...labelsOf(one), value, timestampMs: millisOf(end) }]
  })
}

function labelsOf({ labels }: Series): object {
  const pairs = Object.entries(labels).map(([key, value]) => [key, value ?? 'nil'] as const)
  return {
    labels: pairs.map(([key, value]) => ({ key, value: { stringValue: value } })),
    promLabels: `{${pairs.map(([key, value]) => `${JSON.stringify(key)}=${JSON.stringify(value)}`).join(', ')}}`,
  }
}

function millisOf(nanos: bigint): string {
  return String(nanos / 1_000_000n)
}
