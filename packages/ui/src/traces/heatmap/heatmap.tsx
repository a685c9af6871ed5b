import { pickDurationUnit } from '@spanlink/api-schema/duration'
import type { FoundTrace, HeatmapResponse } from '@spanlink/api-schema'
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { contextFor } from '../../lib/canvas/canvas.ts'
import { paintHeatmap } from './paint-heatmap.ts'
import { readPalette } from '../../lib/canvas/palette.ts'
import { formatTime } from '../../lib/format/time.ts'
import { formatDuration } from '../../lib/format/duration.ts'
import { heatmapGrid, type HeatmapGrid } from './heatmap-grid.ts'
import { describeIncompleteSearch, formatSearchedRange } from '../../lib/searched-range.ts'
import { createResource } from '../../lib/resource.ts'
import { effectiveTheme } from '../../app/theme.ts'
import { conditionParams, toTimeRange, type TraceFilters } from '../trace-filters.ts'
import { useWidth } from '../../components/tree/use-size.ts'
import { dragPointer } from '../../components/tree/drag-pointer.ts'

const HEIGHT = 88
const REFRESH_INTERVAL_MS = 10_000

interface Brush {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** Matching spans by start and duration; dragging a selection narrows the search to it. */
export function Heatmap(props: HeatmapProps) {
  // A selected range stays visible without matches, so that another one can be drawn.
  return props.traces.length > 0 || hasRange(props.filters) ? <ShownHeatmap {...props} /> : null
}

interface HeatmapProps {
  readonly filters: TraceFilters
  readonly traces: readonly FoundTrace[]
  readonly isLive: boolean
  readonly onBrush: (change: TraceFilters) => void
}

function ShownHeatmap(props: HeatmapProps) {
  const { filters, traces } = props
  const map = useMemo(() => createResource<HeatmapResponse>(), [])
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const brush = useSignal<Brush | undefined>(undefined)
  const width = useWidth(box)
  const known = useRef(traces)
  known.current = traces
  useEffect(() => {
    const refresh = (): void => {
      const range = shownRange(filters, known.current)
      if (range === undefined || document.hidden) return
      const { by: _, ...ungrouped } = filters
      const params = conditionParams(ungrouped)
      params.set('start', range.start)
      params.set('end', range.end)
      void map.load(`api/heatmap?${params}`)
    }
    refresh()
    const timer = props.isLive ? setInterval(refresh, REFRESH_INTERVAL_MS) : undefined
    return () => {
      clearInterval(timer)
      map.stop()
    }
  }, [map, filters, props.isLive])
  const data = map.state.value.data
  const grid = useMemo(() => (data === undefined ? undefined : heatmapGrid(data)), [data])
  useEffect(() => {
    const element = canvas.current
    if (element === null || grid === undefined || width.value === 0) return
    const context = contextFor(element, width.value, HEIGHT)
    if (context !== null) paintHeatmap(context, grid, width.value, HEIGHT, readPalette([]).accent)
  }, [grid, width.value, effectiveTheme.value])

  const down = (event: PointerEvent & { readonly currentTarget: HTMLElement }): void => {
    if (grid === undefined || event.button !== 0) return
    const area = event.currentTarget
    const edge = area.getBoundingClientRect()
    const at = (pointer: PointerEvent): readonly [number, number] => [
      Math.min(edge.width, Math.max(0, pointer.clientX - edge.left)),
      Math.min(edge.height, Math.max(0, pointer.clientY - edge.top)),
    ]
    const [x0, y0] = at(event)
    const move = (moved: PointerEvent): void => {
      const [x1, y1] = at(moved)
      brush.value = { x0, y0, x1, y1 }
    }
    const up = (): void => {
      const drawn = brush.peek()
      brush.value = undefined
      if (drawn !== undefined && Math.abs(drawn.x1 - drawn.x0) > 4) props.onBrush(brushed(grid, drawn, edge.width))
    }
    dragPointer(area, event, move, up)
    event.preventDefault()
  }
  const drawn = brush.value
  return (
    <div class="heatmap" hidden={map.state.value.error?.status === 400} style={{ height: `${HEIGHT + 18}px` }}>
      <div class="heatmap-scale" aria-hidden="true">
        {grid !== undefined && grid.total > 0 && (
          <>
            <span>{formatDuration(grid.to)}</span>
            <span>{formatDuration(grid.from)}</span>
          </>
        )}
      </div>
      <div class="heatmap-area" ref={box} onPointerDown={down} title="Drag to filter by time and duration">
        <canvas
          ref={canvas}
          hidden={grid === undefined}
          role="img"
          aria-label={
            grid === undefined || grid.total === 0
              ? `Durations over time: ${describeEmpty(data)}`
              : `Durations over time: ${grid.total.toLocaleString('en')} spans from ${formatDuration(grid.from)} to ${formatDuration(grid.to)}`
          }
        />
        {data !== undefined && !data.complete && (
          <i
            class="unsearched"
            title={`Not searched. Searched ${formatSearchedRange(data.searched)}.`}
            style={{ width: `${unsearchedShare(data) * 100}%` }}
          />
        )}
        {grid?.total === 0 && <p class="heatmap-empty">{describeEmpty(data)}</p>}
        {drawn !== undefined && (
          <i
            class="brush"
            style={{
              left: `${Math.min(drawn.x0, drawn.x1)}px`,
              top: `${Math.min(drawn.y0, drawn.y1)}px`,
              width: `${Math.abs(drawn.x1 - drawn.x0)}px`,
              height: `${Math.abs(drawn.y1 - drawn.y0)}px`,
            }}
          />
        )}
        <div class="heatmap-times" aria-hidden="true">
          <span>{data === undefined ? '' : formatTime(data.startTimeUnixNano).slice(0, 19)}</span>
          <span>{data === undefined ? '' : formatTime(getEnd(data)).slice(0, 19)}</span>
        </div>
      </div>
    </div>
  )
}

function hasRange({ last, start, end }: TraceFilters): boolean {
  return last !== undefined || start !== undefined || end !== undefined
}

/** The range of the filter, or else of the listed traces. */
function shownRange(filters: TraceFilters, traces: readonly FoundTrace[]): { start: string; end: string } | undefined {
  const now = BigInt(Date.now()) * 1_000_000n
  const { start, end } = toTimeRange(filters, Date.now())
  const starts = traces.map((trace) => BigInt(trace.startTimeUnixNano))
  const oldest = starts.reduce((min, at) => (at < min ? at : min), now)
  const newest = starts.reduce((max, at) => (at > max ? at : max), 0n)
  const from = start === undefined ? oldest : BigInt(start)
  const air = (newest - from) / 100n + 1_000_000_000n
  const to = end === undefined ? (filters.last === undefined ? newest + air : now) : BigInt(end)
  return to > from ? { start: String(from), end: String(to) } : undefined
}

function describeEmpty(data: HeatmapResponse | undefined): string {
  if (data === undefined || data.complete) return 'No spans in range'
  return `No spans from ${formatSearchedRange(data.searched)}. ${describeIncompleteSearch(data, 'spans')}`
}

/** Share of the width that one response does not cover: the older part of the range. */
function unsearchedShare({ searched, startTimeUnixNano, stepNano, columns }: HeatmapResponse): number {
  const length = Number(stepNano) * columns
  return Math.min(1, Math.max(0, Number(BigInt(searched.start) - BigInt(startTimeUnixNano)) / Math.max(1, length)))
}

function getEnd({ startTimeUnixNano, stepNano, columns }: HeatmapResponse): string {
  return String(BigInt(startTimeUnixNano) + BigInt(stepNano) * BigInt(columns))
}

function brushed(grid: HeatmapGrid, { x0, x1, y0, y1 }: Brush, width: number): TraceFilters {
  const time = (x: number): string =>
    String(grid.start + BigInt(Math.round((x / width) * Number(grid.step) * grid.columns)))
  const row = (y: number): number => grid.rows - 1 - Math.min(grid.rows - 1, Math.floor((y / HEIGHT) * grid.rows))
  const start = time(Math.min(x0, x1))
  const end = time(Math.max(x0, x1))
  // A flat selection, or one without spans, selects only a time range.
  if (grid.total === 0 || Math.abs(y1 - y0) < 6) return { last: undefined, start, end }
  const low = grid.from * 2 ** row(Math.max(y0, y1))
  const high = grid.from * 2 ** (row(Math.min(y0, y1)) + 1)
  return { last: undefined, start, end, minDuration: formatLength(low), maxDuration: formatLength(high) }
}

/** A duration in the API's syntax, to three digits. */
function formatLength(nanos: number): string {
  const [unit, size] = pickDurationUnit(nanos, 's')
  return `${Number((nanos / size).toPrecision(3))}${unit.replace('µ', 'u')}`
}
