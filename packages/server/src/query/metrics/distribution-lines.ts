import type { DistributionView } from '@spanlink/api-schema'
import { clampBuckets, MergedDistribution, computeQuantiles, subtractDistribution } from './distribution.ts'
import { computeIncreases, type PointSeries, spreadOverSteps, type Steps } from './increase.ts'
import { combineLines, toGaugeLine, toIncreaseLine, type Line } from './scalar-lines.ts'

/** A line of a group, with the label that distinguishes it from the group's other lines. */
export type LabelledLine = {
  readonly label: { readonly key: string; readonly value: string } | undefined
  readonly line: Line
}

/** Converts the histograms of a group to the lines of `view`. */
export function distributionLines(
  series: readonly PointSeries[],
  view: DistributionView,
  qs: readonly number[],
  steps: Steps,
  rate: boolean,
): LabelledLine[] {
  const bySeries = series.map((one) => computeIncreases(one, ({ distribution }) => distribution, subtractDistribution))
  if (view === 'count' || view === 'sum') {
    const lines = bySeries.map((list) =>
      toIncreaseLine(
        list.map(({ from, to, amount }) => ({ from, to, amount: amount[view] })),
        steps,
        rate,
      ),
    )
    return [{ label: undefined, line: combineLines(lines, 'sum', steps.count) }]
  }
  const merged: (MergedDistribution | undefined)[] = Array.from({ length: steps.count })
  for (const list of bySeries) {
    for (const increase of list) {
      const amount = view === 'quantiles' ? clampBuckets(increase.amount) : increase.amount
      spreadOverSteps(increase, steps, (step, share, covered) => {
        const perSecond = view === 'buckets' && rate ? 1e9 / covered : 1
        ;(merged[step] ??= new MergedDistribution()).add(amount, share * perSecond)
      })
    }
  }
  if (view === 'mean') return [{ label: undefined, line: merged.map(mean) }]
  return view === 'quantiles' ? quantileLines(merged, qs) : bucketLines(merged)
}

/** Summary quantiles cannot be merged: several series of a group are averaged. */
export function summaryQuantileLines(series: readonly PointSeries[], steps: Steps): LabelledLine[] {
  const qs = new Set(series.flatMap(({ points }) => points.flatMap((point) => point.quantiles.map(([q]) => q))))
  return [...qs]
    .sort((a, b) => a - b)
    .map((q) => {
      const lines = series.map(({ points }) =>
        toGaugeLine(points, steps, (point) => point.quantiles.find(([other]) => other === q)?.[1] ?? Number.NaN),
      )
      return { label: { key: 'quantile', value: String(q) }, line: combineLines(lines, 'avg', steps.count) }
    })
}

function mean(distribution: MergedDistribution | undefined): number | undefined {
  return distribution === undefined || distribution.count === 0 ? undefined : distribution.sum / distribution.count
}

function quantileLines(merged: readonly (MergedDistribution | undefined)[], qs: readonly number[]): LabelledLine[] {
  const bySteps = merged.map((distribution) =>
    distribution === undefined || distribution.count === 0 ? undefined : computeQuantiles(distribution.buckets(), qs),
  )
  return qs.map((q, index) => ({
    label: { key: 'quantile', value: String(q) },
    line: bySteps.map((values) => values?.[index]),
  }))
}

/** Number of values per bucket, by upper bound. */
function bucketLines(merged: readonly (MergedDistribution | undefined)[]): LabelledLine[] {
  const lines = new Map<number, Line>()
  merged.forEach((distribution, step) => {
    for (const { upper, count } of distribution?.buckets() ?? []) {
      let line = lines.get(upper)
      if (line === undefined) lines.set(upper, (line = Array.from({ length: merged.length })))
      line[step] = (line[step] ?? 0) + count
    }
  })
  return [...lines]
    .sort(([a], [b]) => a - b)
    .map(([upper, line]) => ({ label: { key: 'le', value: String(upper) }, line }))
}
