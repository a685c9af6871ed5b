import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow } from './flow-rows.ts'
import type { TimeWindow } from '../../lib/time-window.ts'
import { MIN_BAR_WIDTH } from '../../trace/waterfall/waterfall-bars.ts'

// Units as in waterfall-bars.ts: time (ns from the flow's start), row, pixel. Every `x` is in
// pixels of the timeline; `row` counts from the first drawn row.

/**
 * `extent`: from a lane's first start to its last end. `work`: a span with a link, on its lane's
 * row. `span`: a span with its own row.
 */
interface FlowBar {
  readonly kind: 'extent' | 'work' | 'span' | 'member'
  readonly row: number
  readonly x0: number
  readonly x1: number
  readonly service: string
  readonly isError: boolean
}

/** A wait before the lane that it delayed. `x1 < x0` if the queue time is negative. */
interface FlowGap {
  readonly row: number
  readonly x0: number
  readonly x1: number
  readonly nanos: number
  readonly isQueue: boolean
  readonly isCritical: boolean
  readonly edge: number
}

/**
 * Vertical line from a producer's row to its consumer's row. Rows may be outside the drawn range.
 */
interface FlowWire {
  readonly x: number
  readonly fromRow: number
  readonly toRow: number
  readonly isCritical: boolean
}

interface PathLine {
  readonly row: number
  readonly x0: number
  readonly x1: number
}

export interface FlowBars {
  readonly count: number
  readonly bars: readonly FlowBar[]
  readonly gaps: readonly FlowGap[]
  readonly wires: readonly FlowWire[]
  readonly path: readonly PathLine[]
  /** Duration labels beside the last bar of a row. */
  readonly durations: readonly {
    readonly row: number
    readonly x0: number
    readonly x1: number
    readonly nanos: number
    readonly isError: boolean
  }[]
}

export interface FlowViewport {
  readonly rows: readonly FlowRow[]
  readonly rowByLane: Int32Array
  readonly first: number
  readonly last: number
  readonly window: TimeWindow
  readonly width: number
}

export function computeFlowBars(model: FlowModel, viewport: FlowViewport): FlowBars {
  const { rows, first, window, width } = viewport
  const last = Math.min(viewport.last, rows.length)
  const scale = width / (window.to - window.from)
  const pixel = (time: number): number => Math.min(width + 8, Math.max(-8, (time - window.from) * scale))
  const bars: FlowBar[] = []
  const durations: FlowBars['durations'][number][] = []
  const bar = (
    kind: FlowBar['kind'],
    row: number,
    from: number,
    to: number,
    service: string,
    isError: boolean,
  ): FlowBar => {
    const x0 = pixel(from)
    const made = { kind, row, x0, x1: Math.max(pixel(to), Math.min(x0 + MIN_BAR_WIDTH, width + 8)), service, isError }
    bars.push(made)
    return made
  }
  const length = (made: FlowBar, nanos: number): void => {
    durations.push({ row: made.row, x0: made.x0, x1: made.x1, nanos, isError: made.isError })
  }
  const laneBar = (kind: 'extent' | 'member', lane: number, row: number): FlowBar => {
    const { rootService = '', errorCount = 0 } = model.lanes[lane] ?? {}
    return bar(kind, row, model.start[lane] ?? 0, model.end[lane] ?? 0, rootService, errorCount > 0)
  }
  for (let index = first; index < last; index += 1) {
    const row = rows[index]
    const at = index - first
    if (row === undefined || row.kind === 'loading' || row.kind === 'missing') continue
    if (row.kind === 'span') {
      const { spans, span } = row
      const from = spans.start[span] ?? 0
      const to = spans.end[span] ?? 0
      length(bar('span', at, from, to, spans.service[span] ?? '', spans.error[span] === 1), to - from)
    } else if (row.kind === 'lane') {
      length(laneBar('extent', row.lane, at), (model.end[row.lane] ?? 0) - (model.start[row.lane] ?? 0))
      for (const span of model.lanes[row.lane]?.spans ?? []) {
        const placed = model.spans.get(`${model.lanes[row.lane]?.traceId ?? ''}/${span.spanId}`)
        if (placed !== undefined && span.spanId !== model.lanes[row.lane]?.rootSpanId)
          bar('work', at, placed.start, placed.end, span.service, span.status === 'error')
      }
    } else if (!row.isExpanded) for (const lane of row.members) laneBar('member', lane, at)
  }
  return {
    count: Math.max(0, last - first),
    bars,
    durations,
    ...computeWaits(model, viewport, last, pixel),
    path: computePathLines(model, viewport, last, pixel),
  }
}

interface EdgeOnRows {
  /** Index into `FlowModel.edges`. */
  readonly index: number
  readonly fromRow: number
  readonly toRow: number
}

const known = new WeakMap<Int32Array, readonly EdgeOnRows[]>()

/**
 * Finds edges between different rows. Cached by `rowByLane`, because several computations use them.
 */
function findEdgesOnRows(model: FlowModel, rowByLane: Int32Array): readonly EdgeOnRows[] {
  const before = known.get(rowByLane)
  if (before !== undefined) return before
  const found = model.edges.flatMap(({ fromLane, toLane, from, to }, index): EdgeOnRows[] => {
    if (fromLane < 0 || toLane < 0 || Number.isNaN(from) || Number.isNaN(to)) return []
    const fromRow = rowByLane[fromLane] ?? -1
    const toRow = rowByLane[toLane] ?? -1
    return fromRow < 0 || toRow < 0 || fromRow === toRow ? [] : [{ index, fromRow, toRow }]
  })
  known.set(rowByLane, found)
  return found
}

/** Computes gaps and wires of every edge that touches a drawn row. Overlapping wires are merged. */
function computeWaits(
  model: FlowModel,
  { rows, rowByLane, first }: FlowViewport,
  last: number,
  pixel: (time: number) => number,
): { readonly gaps: FlowGap[]; readonly wires: FlowWire[] } {
  const gaps: FlowGap[] = []
  const wires = new Map<number, FlowWire>()
  for (const { index, fromRow, toRow } of findEdgesOnRows(model, rowByLane)) {
    if (Math.max(fromRow, toRow) < first || Math.min(fromRow, toRow) >= last) continue
    const placed = model.edges[index]
    if (placed === undefined) continue
    const { edge, toLane, from, to } = placed
    const isCritical = edge.onCriticalPath
    const x = pixel(from)
    // Wires with the same start row, pixel, direction and criticality share one line to the
    // furthest row.
    const wire = ((Math.round(x) + 8) * rows.length + fromRow) * 4 + (isCritical ? 2 : 0) + (toRow > fromRow ? 1 : 0)
    const furthest = wires.get(wire)?.toRow ?? fromRow - first
    if (Math.abs(toRow - fromRow) > Math.abs(furthest - fromRow + first))
      wires.set(wire, { x, fromRow: fromRow - first, toRow: toRow - first, isCritical })
    if (toRow < first || toRow >= last) continue
    // A group's row shows one wait, that of its first member. A lane's row shows the wait of its
    // parent edge only.
    const row = rows[toRow]
    if (model.parentEdge[toLane] !== index || (row?.kind === 'group' && row.members[0] !== toLane)) continue
    gaps.push({
      row: toRow - first,
      x0: x,
      x1: pixel(to),
      nanos: to - from,
      isQueue: edge.role === 'message',
      isCritical,
      edge: index,
    })
  }
  // Unconsumed messages are still waiting, so their gap extends to the end of the axis.
  for (let index = first; index < last; index += 1) {
    const row = rows[index]
    if (row?.kind !== 'missing') continue
    const x0 = pixel(row.sentAt)
    const from = rowByLane[row.lane] ?? -1
    gaps.push({
      row: index - first,
      x0,
      x1: pixel(model.duration),
      nanos: row.waitNanos,
      isQueue: true,
      isCritical: false,
      edge: -1,
    })
    if (from >= 0) wires.set(-1 - index, { x: x0, fromRow: from - first, toRow: index - first, isCritical: false })
  }
  return { gaps, wires: [...wires.values()] }
}

function computePathLines(
  model: FlowModel,
  { rows, rowByLane, first }: FlowViewport,
  last: number,
  pixel: (time: number) => number,
): PathLine[] {
  const spanRow = new Map<string, number>()
  for (let index = first; index < last; index += 1) {
    const row = rows[index]
    if (row?.kind === 'span') spanRow.set(row.id, index)
  }
  const lines: PathLine[] = []
  for (const { segment, lane, start, end } of model.path) {
    const onLane = rowByLane[lane] ?? -1
    const inner = segment.kind === 'span' ? spanRow.get(`${segment.laneId}/${segment.spanId}`) : undefined
    for (const row of inner === undefined ? [onLane] : [onLane, inner])
      if (row >= first && row < last) lines.push({ row: row - first, x0: pixel(start), x1: pixel(end) })
  }
  return lines
}
