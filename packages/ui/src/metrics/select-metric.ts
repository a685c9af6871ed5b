import type { Metric } from '@spanlink/api-schema'

/**
 * The listed metric that a page shows. If several match, the one with the most series, like the
 * server's choice.
 */
export function selectMetric(
  metrics: readonly Metric[],
  { name, type, unit }: { readonly name: string; readonly type: string; readonly unit: string },
): Metric | undefined {
  return metrics
    .filter((metric) => metric.name === name && (type === '' || (metric.type === type && metric.unit === unit)))
    .toSorted((a, b) => b.seriesCount - a.seriesCount)[0]
}

/** `sum · By · 4 series`: distinguishes metrics of the same name. */
export function metricSummary({ type, unit, seriesCount }: Metric): string {
  const count = `${seriesCount.toLocaleString('en')} series`
  return [type.replace('-', ' '), unit === '1' ? '' : unit.slice(0, 40), count]
    .filter((word) => word !== '')
    .join(' · ')
}
