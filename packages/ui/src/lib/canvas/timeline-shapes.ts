import type { TimeWindow } from '../time-window.ts'
import type { Palette } from './palette.ts'

/** Input of every painted timeline. Widths are CSS pixels. */
export interface TimelineScene {
  readonly window: TimeWindow
  readonly ticks: readonly number[]
  /** Width of the canvas; the time axis may end a little before it. */
  readonly width: number
  /** Width of the time axis. */
  readonly scaleWidth: number
  readonly palette: Palette
}

export function paintTicks(context: CanvasRenderingContext2D, scene: TimelineScene, height: number): void {
  context.fillStyle = scene.palette.grid
  const scale = scene.scaleWidth / (scene.window.to - scene.window.from)
  for (const tick of scene.ticks) context.fillRect(Math.round((tick - scene.window.from) * scale), 0, 1, height)
}

export function paintBar(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.beginPath()
  context.roundRect(x, y, width, height, Math.min(2, width / 2))
  context.fill()
}

/** A small arrow that shows on which side of the window a bar is. `y` is its middle. */
export function paintOffscreenArrow(
  context: CanvasRenderingContext2D,
  { palette, scaleWidth }: TimelineScene,
  isLater: boolean,
  y: number,
): void {
  const tip = isLater ? scaleWidth - 2 : 4
  const back = isLater ? tip - 5 : tip + 5
  context.beginPath()
  context.moveTo(tip, y)
  context.lineTo(back, y - 4)
  context.lineTo(back, y + 4)
  context.closePath()
  context.fillStyle = palette.muted
  context.fill()
}
