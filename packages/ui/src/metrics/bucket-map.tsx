import type { MetricSeriesResponse } from '@spanlink/api-schema'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { contextFor } from '../lib/canvas/canvas.ts'
import { paintHeatmap } from '../traces/heatmap/paint-heatmap.ts'
import { readPalette } from '../lib/canvas/palette.ts'
import { bucketGroups, type BucketGroup } from './bucket-groups.ts'
import { formatTime } from '../lib/format/time.ts'
import { formatMetricValue } from './metric-text.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { effectiveTheme } from '../app/theme.ts'
import { useWidth } from '../components/tree/use-size.ts'

const HEIGHT = 300
const GROUP_HEIGHT = 132
/** Minimum row height for a label; smaller rows leave some bounds unlabelled. */
const MIN_BOUND_HEIGHT = 14
const MAX_GROUPS = 24

/**
 * A histogram over time, one heatmap per group: a column per step, a row per bucket, darker for
 * more values.
 */
export function BucketMap({ response }: { readonly response: MetricSeriesResponse }) {
  const groups = useMemo(() => bucketGroups(response), [response])
  return (
    <>
      {groups.slice(0, MAX_GROUPS).map((group) => (
        <GroupMap
          key={group.name}
          response={response}
          group={group}
          height={groups.length === 1 ? HEIGHT : GROUP_HEIGHT}
        />
      ))}
      {groups.length > MAX_GROUPS && (
        <p class="none-line faint">
          The {MAX_GROUPS} largest of {groups.length.toLocaleString('en')} groups. Filter to see the others.
        </p>
      )}
    </>
  )
}

function GroupMap(props: {
  readonly response: MetricSeriesResponse
  readonly group: BucketGroup
  readonly height: number
}) {
  const { response, group, height } = props
  const { grid, bounds, name } = group
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useWidth(box)
  useEffect(() => {
    const element = canvas.current
    if (element === null || width.value === 0) return
    const context = contextFor(element, width.value, height)
    if (context !== null) paintHeatmap(context, grid, width.value, height, readPalette([]).accent)
  }, [grid, height, width.value, effectiveTheme.value])
  const text = (bound: number): string =>
    Number.isFinite(bound) ? formatMetricValue(bound, response.unit, false) : '∞'
  const every = Math.ceil((bounds.length * MIN_BOUND_HEIGHT) / height)
  return (
    <section class="bucket-map" aria-label={name === '' ? undefined : sanitizeText(name, 120)}>
      {name !== '' && <h3>{sanitizeText(name, 120)}</h3>}
      <ol class="bounds" aria-hidden="true" style={{ height: `${height}px` }}>
        {bounds.toReversed().map((bound, index) => (
          <li key={bound}>{index % every === 0 ? text(bound) : ''}</li>
        ))}
      </ol>
      <div ref={box}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${sanitizeText(name || response.name, 120)}: ${bounds.length} buckets over ${grid.columns} steps, the fullest holds ${findMaxCount(group)}`}
        />
        <p class="extent" aria-hidden="true">
          <span>{timeAt(response, 0)}</span>
          <span>{timeAt(response, grid.columns)}</span>
        </p>
      </div>
    </section>
  )
}

function findMaxCount({ grid }: BucketGroup): number {
  return grid.cells.reduce((max, { count }) => Math.max(max, count), 0)
}

function timeAt({ startTimeUnixNano, stepNano }: MetricSeriesResponse, column: number): string {
  return formatTime(String(BigInt(startTimeUnixNano) + BigInt(stepNano) * BigInt(column))).slice(0, 19)
}
