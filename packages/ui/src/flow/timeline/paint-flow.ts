import { formatDuration } from '../../lib/format/duration.ts'
import type { FlowBars } from './flow-bars.ts'
import { paintBar, paintOffscreenArrow, paintTicks, type TimelineScene } from '../../lib/canvas/timeline-shapes.ts'

export const FLOW_ROW_HEIGHT = 28
const MIDDLE = 13
const BAR_HEIGHT = 12
const PATH_Y = MIDDLE + BAR_HEIGHT / 2 + 3
const LABEL_GAP = 6

export interface FlowScene extends TimelineScene {
  readonly bars: FlowBars
}

export function paintFlow(context: CanvasRenderingContext2D, scene: FlowScene): void {
  paintTicks(context, scene, scene.bars.count * FLOW_ROW_HEIGHT)
  paintWires(context, scene)
  paintGaps(context, scene)
  paintBars(context, scene)
  paintPath(context, scene)
  paintLengths(context, scene)
}

function paintBars(context: CanvasRenderingContext2D, scene: FlowScene): void {
  const { bars, palette, scaleWidth } = scene
  for (const { kind, row, x0, x1, service, isError } of bars.bars) {
    if (x1 <= 0 || x0 > scaleWidth) {
      if (kind === 'extent' || kind === 'span')
        paintOffscreenArrow(context, scene, x0 > scaleWidth, row * FLOW_ROW_HEIGHT + MIDDLE)
      continue
    }
    const top = row * FLOW_ROW_HEIGHT + MIDDLE - BAR_HEIGHT / 2
    const color = palette.service(service)
    context.fillStyle = color
    context.globalAlpha = kind === 'extent' ? 0.42 : kind === 'member' ? 0.3 : 1
    paintBar(context, x0, top, x1 - x0, BAR_HEIGHT)
    context.globalAlpha = 1
    if (kind === 'work') {
      context.fillStyle = palette.row
      context.fillRect(x0 - 1, top, 1, BAR_HEIGHT)
      context.fillRect(x1, top, 1, BAR_HEIGHT)
    }
    if (kind === 'extent') context.fillRect(x0, top, Math.min(3, x1 - x0), BAR_HEIGHT)
    if (isError) {
      context.fillStyle = palette.error
      context.fillRect(x0, top + BAR_HEIGHT - 3, x1 - x0, 3)
    }
  }
}

/** Draws queue time as a hatched bar from the send of a message to the start of its processing. */
function paintGaps(context: CanvasRenderingContext2D, { bars, palette, scaleWidth }: FlowScene): void {
  const hatch = getHatch(context, palette.queue)
  context.font = `600 10.5px ${palette.font}`
  context.textBaseline = 'middle'
  for (const { row, x0, x1, nanos, isQueue, isCritical } of bars.gaps) {
    const left = Math.max(0, Math.min(x0, x1))
    const right = Math.min(scaleWidth, Math.max(x0, x1))
    if (right <= left) continue
    const middle = row * FLOW_ROW_HEIGHT + MIDDLE
    if (nanos < 0) {
      context.strokeStyle = palette.warn
      context.setLineDash([3, 2])
      context.lineWidth = 1.5
      context.strokeRect(left, middle - BAR_HEIGHT / 2 - 2, Math.max(2, right - left), BAR_HEIGHT + 4)
      context.setLineDash([])
      continue
    }
    if (isQueue) {
      context.fillStyle = hatch
      context.globalAlpha = isCritical ? 1 : 0.55
      context.fillRect(left, middle - 4, right - left, 8)
      context.globalAlpha = 1
    } else {
      context.fillStyle = palette.muted
      for (let x = left; x < right; x += 5) context.fillRect(x, middle - 0.5, 2, 1)
    }
    const text = formatDuration(nanos)
    const room = context.measureText(text).width
    if (right - left < room + 16) continue
    const at = (left + right - room) / 2
    context.clearRect(at - 4, middle - 7, room + 8, 14)
    context.fillStyle = isQueue ? palette.queueText : palette.muted
    context.fillText(text, at, middle + 0.5)
  }
}

/**
 * Draws vertical lines as rectangles: for thousands of lines, this takes a tenth of the time of
 * stroking a path.
 */
function paintWires(context: CanvasRenderingContext2D, { bars, palette, scaleWidth }: FlowScene): void {
  const height = bars.count * FLOW_ROW_HEIGHT
  const within = (y: number): number => Math.min(height + 4, Math.max(-4, y))
  for (const isCritical of [false, true]) {
    context.fillStyle = isCritical ? palette.path : palette.wire
    const width = isCritical ? 1.5 : 1
    const at = isCritical ? PATH_Y : MIDDLE
    for (const wire of bars.wires) {
      if (wire.isCritical !== isCritical || wire.x < 0 || wire.x > scaleWidth) continue
      const top = within(Math.min(wire.fromRow, wire.toRow) * FLOW_ROW_HEIGHT + at)
      const bottom = within(Math.max(wire.fromRow, wire.toRow) * FLOW_ROW_HEIGHT + at)
      context.fillRect(Math.round(wire.x), top, width, bottom - top)
    }
  }
}

/** Draws the critical path as one continuous line from row to row, under bars and gaps. */
function paintPath(context: CanvasRenderingContext2D, { bars, palette, scaleWidth }: FlowScene): void {
  context.fillStyle = palette.path
  for (const { row, x0, x1 } of bars.path) {
    const left = Math.max(0, x0)
    const right = Math.min(scaleWidth, x1)
    if (right > left) context.fillRect(left, row * FLOW_ROW_HEIGHT + PATH_Y - 1, Math.max(1, right - left), 2)
  }
}

function paintLengths(context: CanvasRenderingContext2D, { bars, palette, width }: FlowScene): void {
  context.font = `11px ${palette.font}`
  context.textBaseline = 'middle'
  for (const { row, x0, x1, nanos, isError } of bars.durations) {
    if (x1 <= 0 || x0 >= width) continue
    const text = formatDuration(nanos)
    const room = context.measureText(text).width
    const y = row * FLOW_ROW_HEIGHT + MIDDLE + 0.5
    context.fillStyle = isError ? palette.error : palette.muted
    if (x1 + LABEL_GAP + room < width) {
      context.clearRect(x1 + 1, y - 7, LABEL_GAP + room + 2, 13)
      context.fillText(text, x1 + LABEL_GAP, y)
    } else {
      const left = Math.min(width, x1) - room - 8
      context.clearRect(left, y - 7, room + 6, 13)
      context.fillText(text, left + 3, y)
    }
  }
}

const hatches = new WeakMap<CanvasRenderingContext2D, { readonly color: string; readonly pattern: CanvasPattern }>()

/** Diagonals every 4 pixels; cached per canvas and color. */
function getHatch(context: CanvasRenderingContext2D, color: string): CanvasPattern | string {
  const known = hatches.get(context)
  if (known?.color === color) return known.pattern
  const tile = document.createElement('canvas')
  tile.width = tile.height = 10
  const inner = tile.getContext('2d')
  if (inner === null) return color
  inner.strokeStyle = color
  inner.lineWidth = 2.4
  inner.beginPath()
  for (const shift of [-10, 0, 10]) {
    inner.moveTo(shift - 2, 12)
    inner.lineTo(shift + 12, -2)
  }
  inner.stroke()
  const pattern = context.createPattern(tile, 'repeat')
  if (pattern === null) return color
  // The tile is drawn at twice its displayed size, so that it stays sharp on high-density screens.
  pattern.setTransform(new DOMMatrix([0.5, 0, 0, 0.5, 0, 0]))
  hatches.set(context, { color, pattern })
  return pattern
}
