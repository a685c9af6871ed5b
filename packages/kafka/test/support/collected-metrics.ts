import type { Attributes } from '@opentelemetry/api'
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'

export interface CollectedMetric {
  readonly unit: string
  /** Sums and gauges by value, histograms by their count. */
  readonly points: readonly { readonly attributes: Attributes; readonly value: number }[]
}

export interface CollectedMetrics extends AsyncDisposable {
  readonly provider: MeterProvider
  /** Every metric that has points, by name. */
  collect(): Promise<Map<string, CollectedMetric>>
}

/** A real meter provider whose metrics are read on demand. */
export function collectedMetrics(): CollectedMetrics {
  const reader = new ManualReader()
  const provider = new MeterProvider({ readers: [reader] })
  return {
    provider,
    async collect() {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw new AggregateError(errors)
      const found = new Map<string, CollectedMetric>()
      for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
        const points =
          metric.dataPointType === DataPointType.HISTOGRAM
            ? metric.dataPoints.map(({ attributes, value }) => ({ attributes, value: value.count }))
            : metric.dataPoints.map(({ attributes, value }) => ({ attributes, value: value as number }))
        if (points.length > 0) found.set(metric.descriptor.name, { unit: metric.descriptor.unit, points })
      }
      return found
    },
    [Symbol.asyncDispose]: () => provider.shutdown(),
  }
}

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
