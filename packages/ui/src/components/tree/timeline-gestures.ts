import type { ReadonlySignal, Signal } from '@preact/signals'
import { isWhole, panWindow, zoomWindow, type TimeWindow } from '../../lib/time-window.ts'

/** A view with a time axis: a trace or a flow. */
export interface TimeAxis {
  readonly model: ReadonlySignal<{ readonly duration: number }>
  readonly window: Signal<TimeWindow>
}

/** A press that moves fewer pixels than this is a click on the row, not a drag of the time axis. */
const CLICK_SLOP = 4
/** Zoom per wheel pixel: a notch of 100 pixels zooms by about a third. */
const ZOOM_PER_PIXEL = 1.003
const LINE_PIXELS = 24

/**
 * Gestures over the bars: Ctrl or Cmd with the wheel zooms about the pointer, as does a pinch,
 * which browsers report the same way. Shift with the wheel, horizontal scrolling and dragging pan.
 * A plain wheel scrolls. Returns a function that removes the handlers.
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
