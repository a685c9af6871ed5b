import type { TraceModel } from '../model/trace-model.ts'
import type { CriticalPath } from '../model/critical-path.ts'
import type { TimeWindow } from '../../lib/time-window.ts'
import { createCoverage } from '../../lib/canvas/coverage.ts'

// Three coordinate spaces, for all of waterfall/:
//   time   nanoseconds from the start of the trace
//   row    index among the visible rows
//   pixel  CSS pixels; the device ratio exists only where a canvas is sized

/** What to draw for rows `first .. last - 1`, in columns, all in pixels of the timeline. */
export interface WaterfallBars {
  readonly first: number
  readonly count: number
  readonly x0: Float32Array
  readonly x1: Float32Array
  readonly position: Int32Array
  /** 1 where the bar is the extent of a group of siblings. */
  readonly folded: Uint8Array
  /** Segments of the critical path, as pixel ranges. */
  readonly pathRow: Uint16Array
  readonly pathX0: Float32Array
  readonly pathX1: Float32Array
  /** Event ticks, as pairs in `eventRow` and `eventX`. */
  readonly eventRow: Uint16Array
  readonly eventX: Float32Array
  /** Spans that a collapsed row hides, merged into pixel ranges. */
  readonly hiddenRow: Uint16Array
  readonly hiddenX0: Float32Array
  readonly hiddenX1: Float32Array
}

export interface WaterfallViewport {
  readonly rows: Int32Array
  readonly first: number
  readonly last: number
  readonly window: TimeWindow
  readonly width: number
  readonly isCollapsed: (position: number) => boolean
  readonly isFolded?: (position: number) => boolean
  readonly path?: CriticalPath
}

/** Minimum bar width in pixels, so that the shortest span is visible and clickable. */
export const MIN_BAR_WIDTH = 2

/** Maximum number of events drawn per span; a screen has no room for more ticks. */
const MAX_EVENTS = 500

export function computeWaterfallBars(model: TraceModel, viewport: WaterfallViewport): WaterfallBars {
  const { rows, first, window, width } = viewport
  const last = Math.min(viewport.last, rows.length)
  const count = Math.max(0, last - first)
  const scale = width / (window.to - window.from)
  const pixel = (time: number): number => (time - window.from) * scale

  const x0 = new Float32Array(count)
  const x1 = new Float32Array(count)
  const position = new Int32Array(count)
  const events: number[] = []
  const hidden: number[] = []
  const path: number[] = []
  const folded = new Uint8Array(count)
  for (let row = 0; row < count; row += 1) {
    const p = rows[first + row] ?? 0
    position[row] = p
    const from = pixel(model.start[p] ?? 0)
    x0[row] = clip(from, width)
    folded[row] = viewport.isFolded?.(p) === true ? 1 : 0
    const until = folded[row] === 1 ? model.folds.lastEnd[p] : model.end[p]
    x1[row] = clip(Math.max(pixel(until ?? 0), from + MIN_BAR_WIDTH), width)
    if (folded[row] === 1) {
      collectHidden(model, p, model.folds.end[p] ?? 0, row, pixel, width, hidden)
      continue
    }
    if (viewport.path !== undefined) collectPath(viewport.path, p, row, pixel, width, path)
    collectEvents(model, p, row, pixel, width, events)
    if (viewport.isCollapsed(p)) collectHidden(model, p + 1, model.subtreeEnd[p] ?? 0, row, pixel, width, hidden)
  }
  return {
    first,
    count,
    x0,
    x1,
    position,
    folded,
    pathRow: Uint16Array.from(column(path, 3, 0)),
    pathX0: Float32Array.from(column(path, 3, 1)),
    pathX1: Float32Array.from(column(path, 3, 2)),
    eventRow: Uint16Array.from(column(events, 2, 0)),
    eventX: Float32Array.from(column(events, 2, 1)),
    hiddenRow: Uint16Array.from(column(hidden, 3, 0)),
    hiddenX0: Float32Array.from(column(hidden, 3, 1)),
    hiddenX1: Float32Array.from(column(hidden, 3, 2)),
  }
}

/** Clips slightly outside the edges, so that a clipped bar does not seem to end there. */
function clip(x: number, width: number): number {
  return Math.min(width + 4, Math.max(-4, x))
}

function collectEvents(
  model: TraceModel,
  p: number,
  row: number,
  pixel: (time: number) => number,
  width: number,
  into: number[],
): void {
  let previous = Number.NaN
  const last = Math.min(model.eventsFrom[p + 1] ?? 0, (model.eventsFrom[p] ?? 0) + MAX_EVENTS)
  for (let at = model.eventsFrom[p] ?? 0; at < last; at += 1) {
    const x = Math.round(pixel(model.eventTimes[at] ?? 0))
    if (x === previous || x < 0 || x > width) continue
    previous = x
    into.push(row, x)
  }
}

function collectPath(
  path: CriticalPath,
  p: number,
  row: number,
  pixel: (time: number) => number,
  width: number,
  into: number[],
): void {
  let end = Number.NEGATIVE_INFINITY
  for (let at = path.first[p] ?? 0; at < (path.first[p + 1] ?? 0); at += 1) {
    const left = Math.max(end, clip(pixel(path.from[at] ?? 0), width))
    const right = Math.max(left + 1, clip(pixel(path.to[at] ?? 0), width))
    if (right <= 0 || left >= width || right - end < 1) continue
    end = right
    into.push(row, left, right)
  }
}

function collectHidden(
  model: TraceModel,
  from: number,
  to: number,
  row: number,
  pixel: (time: number) => number,
  width: number,
  into: number[],
): void {
  const covered = createCoverage(Math.ceil(width))
  for (let below = from; below < to; below += 1) {
    const left = Math.floor(pixel(model.start[below] ?? 0))
    covered.take(left, Math.max(left + 1, Math.ceil(pixel(model.end[below] ?? 0))))
  }
  for (const [left, right] of covered.runs()) into.push(row, left, right)
}

function column(values: readonly number[], stride: number, at: number): number[] {
  return values.filter((_, index) => index % stride === at)
}
