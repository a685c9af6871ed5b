import type { ReadonlySignal, Signal } from '@preact/signals'
import { isWhole, panWindow, zoomWindow, type TimeWindow } from '../../lib/time-window.ts'

/** What has a time axis: a trace, a flow. */
export interface TimeAxis {
  readonly model: ReadonlySignal<{ readonly duration: number }>
  readonly window: Signal<TimeWindow>
}

/** Below this many pixels a press is a click on the row, not a drag of the time axis. */
const CLICK_SLOP = 4
/** What one notch of a wheel (100 pixels) does: zoom by about a third. */
const ZOOM_PER_PIXEL = 1.003
const LINE_PIXELS = 24

/**
 * Over the bars: Ctrl or Cmd with the wheel (and a pinch, which browsers tell as the same) zooms
 * about the pointer; Shift with the wheel and sideways scrolling pan; dragging pans. A plain wheel
 * stays what it is, scrolling. Returns what takes the gestures away.
 */
export function handleTimeline(
  box: HTMLElement,
  view: TimeAxis,
  labelWidth: () => number,
  width: () => number,
): () => void {
  const timeAt = (clientX: number): number => {
    const { from, to } = view.window.peek()
    return from + ((clientX - box.getBoundingClientRect().left - labelWidth()) / width()) * (to - from)
  }
  const perPixel = (): number => {
    const { from, to } = view.window.peek()
    return (to - from) / width()
  }
  const isOverBars = (event: MouseEvent): boolean => event.clientX - box.getBoundingClientRect().left > labelWidth()

  const onWheel = (event: WheelEvent): void => {
    if (!isOverBars(event)) return
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1
    const { duration } = view.model.peek()
    if (event.ctrlKey || event.metaKey) {
      view.window.value = zoomWindow(
        view.window.peek(),
        timeAt(event.clientX),
        ZOOM_PER_PIXEL ** (event.deltaY * unit),
        duration,
      )
    } else {
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX
      if (Math.abs(sideways) <= Math.abs(event.deltaY) && !event.shiftKey) return
      view.window.value = panWindow(view.window.peek(), sideways * unit * perPixel(), duration)
    }
    event.preventDefault()
  }

  const onPointerDown = (down: PointerEvent): void => {
    if (down.button !== 0 || !isOverBars(down) || isWhole(view.window.peek(), view.model.peek().duration)) return
    const start = view.window.peek()
    const scale = perPixel()
    let dragging = false
    const move = (event: PointerEvent): void => {
      const by = event.clientX - down.clientX
      if (!dragging && Math.abs(by) < CLICK_SLOP) return
      if (!dragging) box.setPointerCapture(down.pointerId)
      dragging = true
      view.window.value = panWindow(start, -by * scale, view.model.peek().duration)
    }
    const up = (): void => {
      box.removeEventListener('pointermove', move)
      // The click that ends a drag is not a click on the row under it.
      if (dragging) box.addEventListener('click', (event) => event.stopPropagation(), { capture: true, once: true })
    }
    box.addEventListener('pointermove', move)
    addEventListener('pointerup', up, { once: true })
  }

  box.addEventListener('wheel', onWheel, { passive: false })
  box.addEventListener('pointerdown', onPointerDown)
  return () => {
    box.removeEventListener('wheel', onWheel)
    box.removeEventListener('pointerdown', onPointerDown)
  }
}
