import { effect, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { contextFor } from '../../lib/canvas/canvas.ts'
import { afterNextFrame, cancelPaint, paintNextFrame } from '../../lib/canvas/paint-scheduler.ts'
import { computeMinimapBars } from './minimap-bars.ts'
import { paintMinimap } from './paint-minimap.ts'
import { readPalette } from '../../lib/canvas/palette.ts'
import { isWhole, panWindow, wholeWindow, windowBetween } from '../../lib/time-window.ts'
import { isLarge } from '../model/trace-model.ts'
import { effectiveTheme } from '../../app/theme.ts'
import type { TraceView } from '../trace-view.ts'
import { useWidth } from '../../components/tree/use-size.ts'
import { dragPointer } from '../../components/tree/drag-pointer.ts'
import { Brush } from '../../components/tree/ruler.tsx'

const HEIGHT = 44
/** Distance from a window edge, in pixels, within which a pointer drags the edge. */
const GRIP = 7

/**
 * Overview of the whole trace. Drag to zoom, drag the window or its edges to change it,
 * double-click to reset. Keys do the same: `+ - a d 0`.
 */
export function Minimap({ view }: { readonly view: TraceView }) {
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useWidth(box)
  const brush = useSignal<readonly [from: number, to: number] | undefined>(undefined)

  useEffect(() => {
    const paint = (): void => {
      if (canvas.current === null || width.peek() === 0) return
      const model = view.model.peek()
      const context = contextFor(canvas.current, width.peek(), HEIGHT)
      if (context !== null)
        paintMinimap(
          context,
          model,
          computeMinimapBars(model, width.peek(), HEIGHT),
          readPalette(model.services.map((service) => service.name)),
        )
    }
    const stop = effect(() => {
      void [view.model.value, width.value, effectiveTheme.value]
      if (isLarge(view.model.peek())) afterNextFrame(paint)
      else paintNextFrame(paint)
    })
    return () => {
      stop()
      cancelPaint(paint)
    }
  }, [view])

  const { duration } = view.model.value
  const whole = wholeWindow(duration).to
  const shown = view.window.value
  const from = (shown.from / whole) * 100
  const to = (shown.to / whole) * 100
  return (
    <div
      class="minimap"
      ref={box}
      aria-hidden="true"
      onPointerDown={drag}
      onDblClick={reset}
      title="Drag to zoom, double click for the whole trace"
    >
      <canvas ref={canvas} />
      <i class="shade" style={{ left: '0', width: `${from}%` }} />
      <i class="shade" style={{ left: `${to}%`, right: '0' }} />
      {!isWhole(shown, duration) && <i class="window" style={{ left: `${from}%`, width: `${to - from}%` }} />}
      <Brush range={brush.value} />
    </div>
  )

  function reset(): void {
    view.window.value = wholeWindow(view.model.peek().duration)
  }

  function drag(down: PointerEvent): void {
    const strip = box.current
    if (strip === null || down.button !== 0) return
    const bounds = strip.getBoundingClientRect()
    const length = view.model.peek().duration
    const pixels = (event: PointerEvent): number => Math.min(bounds.width, Math.max(0, event.clientX - bounds.left))
    const time = (x: number): number => (x / bounds.width) * wholeWindow(length).to
    const start = view.window.peek()
    const x0 = pixels(down)
    const scale = bounds.width / wholeWindow(length).to
    const isZoomed = !isWhole(start, length)
    const atFrom = isZoomed && Math.abs(x0 - start.from * scale) < GRIP
    const atTo = isZoomed && Math.abs(x0 - start.to * scale) < GRIP
    const inside = isZoomed && x0 > start.from * scale && x0 < start.to * scale

    const move = (event: PointerEvent): void => {
      const x = pixels(event)
      if (atTo) view.window.value = windowBetween(start.from, time(x), length)
      else if (atFrom) view.window.value = windowBetween(time(x), start.to, length)
      else if (inside) view.window.value = panWindow(start, time(x) - time(x0), length)
      else brush.value = [x0, x]
    }
    const up = (): void => {
      const made = brush.peek()
      brush.value = undefined
      if (made !== undefined && Math.abs(made[1] - made[0]) > 3) {
        view.window.value = windowBetween(time(made[0]), time(made[1]), length)
      }
    }
    dragPointer(strip, down, move, up)
  }
}
