import type { MetricSeriesAnswer } from '@spanlink/contract'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { contextFor } from '../../draw/canvas.ts'
import { paintHeatmap } from '../../draw/paint-heatmap.ts'
import { readPalette } from '../../draw/palette.ts'
import { exactTimeText } from '../../model/clock-text.ts'
import { finite, metricValueText } from '../../model/metric-text.ts'
import { shownTheme } from '../../state/theme.ts'
import { useWidth } from '../tree/use-size.ts'

const HEIGHT = 300

/** A histogram over time: a column a step, a row a bucket, the darker the more values fell there. */
export function BucketMap({ answer }: { readonly answer: MetricSeriesAnswer }) {
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useWidth(box)
  const { grid, bounds } = useMemo(() => gridOf(answer), [answer])
  useEffect(() => {
    const element = canvas.current
    if (element === null || width.value === 0) return
    const context = contextFor(element, width.value, HEIGHT)
    if (context !== null) paintHeatmap(context, grid, width.value, HEIGHT, readPalette([]).accent)
  }, [grid, width.value, shownTheme.value])
  const text = (bound: number): string => (Number.isFinite(bound) ? metricValueText(bound, answer.unit, false) : '∞')
  return (
    <div class="bucket-map">
      <ol class="bounds" aria-hidden="true" style={{ height: `${HEIGHT}px` }}>
        {bounds.toReversed().map((bound) => (
          <li key={bound}>{text(bound)}</li>
        ))}
      </ol>
      <div ref={box}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${answer.name}: ${bounds.length} buckets over ${grid.columns} steps, the fullest holds ${grid.most}`}
        />
        <p class="extent" aria-hidden="true">
          <span>{timeAt(answer, 0)}</span>
          <span>{timeAt(answer, grid.columns)}</span>
        </p>
      </div>
    </div>
  )
}

function timeAt({ startTimeUnixNano, stepNano }: MetricSeriesAnswer, column: number): string {
  return exactTimeText(String(BigInt(startTimeUnixNano) + BigInt(stepNano) * BigInt(column))).slice(0, 19)
}

function gridOf({ series, startTimeUnixNano, stepNano }: MetricSeriesAnswer) {
  const boundOf = (labels: (typeof series)[number]['labels']): number => {
    const le = labels.find(({ key }) => key === 'le')?.value ?? ''
    return /inf/i.test(le) ? Number.POSITIVE_INFINITY : Number(le)
  }
  const sorted = series.toSorted((a, b) => boundOf(a.labels) - boundOf(b.labels))
  const cells = sorted.flatMap(({ values }, row) =>
    values.flatMap((value, column) => {
      const count = finite(value) ?? 0
      return count > 0 ? [{ column, row, count }] : []
    }),
  )
  return {
    bounds: sorted.map(({ labels }) => boundOf(labels)),
    grid: {
      start: BigInt(startTimeUnixNano),
      step: BigInt(stepNano),
      columns: Math.max(1, sorted[0]?.values.length ?? 1),
      rows: Math.max(1, sorted.length),
      from: 0,
      to: 0,
      total: cells.length,
      most: cells.reduce((most, { count }) => Math.max(most, count), Number.MIN_VALUE),
      cells,
    },
  }
}
