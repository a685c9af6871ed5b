import type { TraceModel } from '../model/trace-model.ts'
import type { TimeWindow } from '../../lib/time-window.ts'
import { formatDuration } from '../../lib/format/duration-text.ts'
import type { Palette } from '../../lib/canvas/palette.ts'
import type { WaterfallBars } from './waterfall-bars.ts'

export const ROW_HEIGHT = 24
const BAR_TOP = 7
const BAR_HEIGHT = 10
const LABEL_GAP = 6

export interface WaterfallScene {
  readonly model: TraceModel
  readonly bars: WaterfallBars
  readonly window: TimeWindow
  readonly ticks: readonly number[]
  /** Of the canvas; the time axis may end a little before it. */
  readonly width: number
  /** Of the time axis. */
  readonly scaleWidth: number
  readonly palette: Palette
  readonly isMatch: (position: number) => boolean
}

export function paintWaterfall(context: CanvasRenderingContext2D, scene: WaterfallScene): void {
  paintGrid(context, scene)
  paintHidden(context, scene)
  paintBars(context, scene)
  paintPath(context, scene)
  paintEvents(context, scene)
  paintDurations(context, scene)
}

function paintGrid(
  context: CanvasRenderingContext2D,
  { ticks, window, scaleWidth, bars, palette }: WaterfallScene,
): void {
  context.fillStyle = palette.grid
  const scale = scaleWidth / (window.to - window.from)
  for (const tick of ticks) context.fillRect(Math.round((tick - window.from) * scale), 0, 1, bars.count * ROW_HEIGHT)
}

function paintBars(
  context: CanvasRenderingContext2D,
  { model, bars, palette, isMatch, scaleWidth: sceneWidth }: WaterfallScene,
): void {
  for (let row = 0; row < bars.count; row += 1) {
    const p = bars.position[row] ?? 0
    const x = bars.x0[row] ?? 0
    const width = (bars.x1[row] ?? 0) - x
    const y = row * ROW_HEIGHT + BAR_TOP
    if (x + width <= 0 || x > sceneWidth) {
      paintElsewhere(context, x > sceneWidth, y + BAR_HEIGHT / 2, sceneWidth, palette)
      continue
    }
    context.fillStyle = palette.service(model.services[model.service[p] ?? 0]?.name ?? '')
    // Of a group only the extent is known; what it hides is drawn below it.
    context.globalAlpha = bars.folded[row] === 1 ? 0.35 : 1
    box(context, x, y, width, BAR_HEIGHT)
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

/** What the end of the trace waited for. */
function paintPath(context: CanvasRenderingContext2D, { bars, palette }: WaterfallScene): void {
  context.fillStyle = palette.path
  for (let at = 0; at < bars.pathRow.length; at += 1) {
    const x = bars.pathX0[at] ?? 0
    const y = (bars.pathRow[at] ?? 0) * ROW_HEIGHT + BAR_TOP - 2.5
    context.fillRect(x, y, (bars.pathX1[at] ?? 0) - x, 1.5)
  }
}

/** A span outside the window is not gone: a small arrow says on which side it is. */
function paintElsewhere(
  context: CanvasRenderingContext2D,
  isLater: boolean,
  y: number,
  width: number,
  palette: Palette,
): void {
  const tip = isLater ? width - 2 : 4
  const back = isLater ? tip - 5 : tip + 5
  context.beginPath()
  context.moveTo(tip, y)
  context.lineTo(back, y - 4)
  context.lineTo(back, y + 4)
  context.closePath()
  context.fillStyle = palette.muted
  context.fill()
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

/** The length goes right of the bar, or left of it, or inside where the bar fills the screen. */
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
      // Inside, over the bar's end to its very last pixel, or a sliver of bar would stand behind
      // the text.
      const left = Math.min(width, x1) - room - 8
      context.clearRect(left, y - 8, width + 4 - left, 16)
      context.fillStyle = model.error[p] === 1 ? palette.error : palette.text
      context.fillText(text, left + 4, y)
    }
  }
}

function box(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.beginPath()
  context.roundRect(x, y, width, height, Math.min(2, width / 2))
  context.fill()
}
