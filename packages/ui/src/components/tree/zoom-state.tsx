import { formatDuration } from '../../lib/format/duration.ts'
import { isWhole, wholeWindow } from '../../lib/time-window.ts'
import { Icon } from '../buttons/icon.tsx'
import type { TimeAxis } from './timeline-gestures.ts'

/** The visible time window, and a button that resets it. `what` is "trace" or "flow". */
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
