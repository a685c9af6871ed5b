import { formatDuration } from '../../lib/format/duration-text.ts'
import { isWhole, wholeWindow } from '../../lib/time-window.ts'
import { Icon } from '../buttons/icon.tsx'
import type { TimeAxis } from './timeline-gestures.ts'

/** Which part of the time is seen, and the way back to all of it. `what`: a trace, a flow. */
export function ZoomState({ view, what }: { readonly view: TimeAxis; readonly what: string }) {
  const { duration } = view.model.value
  const window = view.window.value
  const whole = isWhole(window, duration)
  return (
    <button
      type="button"
      class="zoom-state"
      disabled={whole}
      title="Reset zoom (0)"
      onClick={() => (view.window.value = wholeWindow(duration))}
    >
      <Icon name="whole" />
      {whole ? `Whole ${what}` : `${formatDuration(window.to - window.from)} from ${formatDuration(window.from)}`}
    </button>
  )
}
