import { panWindow, wholeWindow, zoomWindow } from '../../lib/time-window.ts'
import type { KeyBinding } from '../../app/keyboard.ts'
import type { TimeAxis } from './timeline-gestures.ts'

/** Factors per key press, relative to the visible time window. */
const ZOOM = 0.6
const PAN = 0.2

/** Key bindings of every time axis; `whole` names in the help what `0` shows. */
export function timeKeys(view: TimeAxis, whole: string): readonly KeyBinding[] {
  const zoom = (factor: number) => () => {
    const { from, to } = view.window.peek()
    view.window.value = zoomWindow(view.window.peek(), (from + to) / 2, factor, view.model.peek().duration)
  }
  const pan = (share: number) => () => {
    const { from, to } = view.window.peek()
    view.window.value = panWindow(view.window.peek(), (to - from) * share, view.model.peek().duration)
  }
  return [
    { keys: ['+', '='], does: 'Zoom in', run: zoom(ZOOM) },
    { keys: ['-'], does: 'Zoom out', run: zoom(1 / ZOOM) },
    { keys: ['a'], does: 'Pan left', run: pan(-PAN) },
    { keys: ['d'], does: 'Pan right', run: pan(PAN) },
    { keys: ['0'], does: whole, run: () => (view.window.value = wholeWindow(view.model.peek().duration)) },
  ]
}
