import { durationText } from '../../model/duration-text.ts'
import { isWhole, wholeWindow } from '../../model/time-window.ts'
import { flowUrl, type FlowPlace } from '../../state/flow-url.ts'
import type { FlowView } from '../../state/flow-view.ts'
import { Icon } from '../parts/icon.tsx'
import { expandGroups, foldGroups } from './flow-keys.ts'

export function FlowToolbar({ view, place }: { readonly view: FlowView; readonly place: FlowPlace }) {
  const isGraph = place.view === 'graph'
  return (
    <div class="toolbar flow-toolbar">
      <nav class="choice" aria-label="How to show the flow">
        <a
          href={flowUrl(place.traceId, { ...place, view: 'timeline' })}
          aria-current={isGraph ? undefined : 'true'}
          title="Traces over time (g)"
        >
          Timeline
        </a>
        <a
          href={flowUrl(place.traceId, { ...place, view: 'graph' })}
          aria-current={isGraph ? 'true' : undefined}
          title="Who caused what (g)"
        >
          Graph
        </a>
      </nav>
      <p class="legend">
        <span>
          <i class="legend-path" /> critical path
        </span>
        <span>
          <i class="legend-queue" /> in a queue
        </span>
        <span>
          <i class="legend-skew" /> consumed before sent
        </span>
      </p>
      <button
        type="button"
        class="quiet"
        aria-label="Fold what is alike"
        title="Fold what is alike (C)"
        onClick={() => foldGroups(view)}
      >
        <Icon name="collapse" />
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Show every trace"
        title="Show every trace (E)"
        onClick={() => expandGroups(view)}
      >
        <Icon name="expand" />
      </button>
      {!isGraph && <ZoomState view={view} />}
    </div>
  )
}

function ZoomState({ view }: { readonly view: FlowView }) {
  const { duration } = view.model.value
  const window = view.window.value
  const whole = isWhole(window, duration)
  return (
    <button
      type="button"
      class="zoom-state"
      disabled={whole}
      title="Show the whole flow (0)"
      onClick={() => (view.window.value = wholeWindow(duration))}
    >
      <Icon name="whole" />
      {whole ? 'Whole flow' : `${durationText(window.to - window.from)} from ${durationText(window.from)}`}
    </button>
  )
}
