import type { TraceModel } from '../model/trace-model.ts'
import { formatDuration } from '../../lib/format/duration.ts'
import { paintBar, paintOffscreenArrow, paintTicks, type TimelineScene } from '../../lib/canvas/timeline-shapes.ts'
import type { WaterfallBars } from './waterfall-bars.ts'

export const ROW_HEIGHT = 24
const BAR_TOP = 7
const BAR_HEIGHT = 10
const LABEL_GAP = 6

export interface WaterfallScene extends TimelineScene {
  readonly model: TraceModel
  readonly bars: WaterfallBars
  readonly isMatch: (position: number) => boolean
}

export function paintWaterfall(context: CanvasRenderingContext2D, scene: WaterfallScene): void {
  paintTicks(context, scene, scene.bars.count * ROW_HEIGHT)
  paintHidden(context, scene)
  paintBars(context, scene)
  paintPath(context, scene)
  paintEvents(context, scene)
  paintDurations(context, scene)
}

function paintBars(context: CanvasRenderingContext2D, scene: WaterfallScene): void {
  const { model, bars, palette, isMatch, scaleWidth } = scene
  for (let row = 0; row < bars.count; row += 1) {
    const p = bars.position[row] ?? 0
    const x = bars.x0[row] ?? 0
    const width = (bars.x1[row] ?? 0) - x
    const y = row * ROW_HEIGHT + BAR_TOP
    if (x + width <= 0 || x > scaleWidth) {
      paintOffscreenArrow(context, scene, x > scaleWidth, y + BAR_HEIGHT / 2)
      continue
    }
    context.fillStyle = palette.service(model.services[model.service[p] ?? 0]?.name ?? '')
    // A folded group only has its extent; the spans that it hides are drawn below it.
    context.globalAlpha = bars.folded[row] === 1 ? 0.35 : 1
    paintBar(context, x, y, width, BAR_HEIGHT)
    context.globalAlpha = 1
    if (model.error[p] === 1 && bars.folded[row] === 0) {
      context.fillStyle = palette.error
      context.fillRect(x, y + BAR_HEIGHT - 3, width, 3)
    }
    if (isMatch(p)) {
      context.strokeStyle = palette.match
      context.lineWidth = 1.5
      context.strokeRect(x - 1.5, y - 2.5, width + 3, BAR_HEIGHT + 5)
    }
  }
}

/** Draws the critical path. */
function paintPath(context: CanvasRenderingContext2D, { bars, palette }: WaterfallScene): void {
  context.fillStyle = palette.path
  for (let at = 0; at < bars.pathRow.length; at += 1) {
    const x = bars.pathX0[at] ?? 0
    const y = (bars.pathRow[at] ?? 0) * ROW_HEIGHT + BAR_TOP - 2.5
    context.fillRect(x, y, (bars.pathX1[at] ?? 0) - x, 1.5)
  }
}

function paintHidden(context: CanvasRenderingContext2D, { bars, palette }: WaterfallScene): void {
  context.fillStyle = palette.muted
  for (let at = 0; at < bars.hiddenRow.length; at += 1) {
    const x = bars.hiddenX0[at] ?? 0
    context.fillRect(
      x,
      (bars.hiddenRow[at] ?? 0) * ROW_HEIGHT + BAR_TOP + BAR_HEIGHT + 1.5,
      (bars.hiddenX1[at] ?? 0) - x,
      1.5,
    )
  }
}

function paintEvents(context: CanvasRenderingContext2D, { bars, palette }: WaterfallScene): void {
  for (let at = 0; at < bars.eventRow.length; at += 1) {
    const x = bars.eventX[at] ?? 0
    const y = (bars.eventRow[at] ?? 0) * ROW_HEIGHT + BAR_TOP + BAR_HEIGHT / 2
    context.beginPath()
    context.moveTo(x, y - 4)
    context.lineTo(x + 4, y)
    context.lineTo(x, y + 4)
    context.lineTo(x - 4, y)
    context.closePath()
    context.fillStyle = palette.event
    context.fill()
    context.strokeStyle = palette.row
    context.lineWidth = 1
    context.stroke()
  }
}

/** Draws a duration right of its bar, else left of it, else inside if the bar fills the screen. */
function paintDurations(context: CanvasRenderingContext2D, { model, bars, palette, width }: WaterfallScene): void {
  context.font = `11px ${palette.font}`
  context.textBaseline = 'middle'
  for (let row = 0; row < bars.count; row += 1) {
    const p = bars.position[row] ?? 0
    const x0 = bars.x0[row] ?? 0
    const x1 = bars.x1[row] ?? 0
    if (x1 <= 0 || x0 >= width) continue
    const isFolded = bars.folded[row] === 1
    const text = formatDuration(((isFolded ? model.folds.lastEnd[p] : model.end[p]) ?? 0) - (model.start[p] ?? 0))
    const room = context.measureText(text).width
    const y = row * ROW_HEIGHT + BAR_TOP + BAR_HEIGHT / 2 + 0.5
    context.fillStyle = model.error[p] === 1 ? palette.error : palette.muted
    if (x1 + LABEL_GAP + room < width) context.fillText(text, x1 + LABEL_GAP, y)
    else if (x0 - LABEL_GAP - room > 0) context.fillText(text, x0 - LABEL_GAP - room, y)
    else {
      // Inside, the label covers the bar up to its last pixel, to leave no sliver of the bar behind
      // the text.
      const left = Math.min(width, x1) - room - 8
      context.clearRect(left, y - 8, width + 4 - left, 16)
      context.fillStyle = model.error[p] === 1 ? palette.error : palette.text
      context.fillText(text, left + 4, y)
    }
  }
}
