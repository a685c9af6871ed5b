import { flowUrl, type FlowPlace } from '../flow-url.ts'
import { expandGroups, foldGroups, type FlowView } from '../flow-view.ts'
import { IconButton } from '../../components/buttons/icon-button.tsx'
import { ZoomState } from '../../components/tree/zoom-state.tsx'

/** A batch takes messages of many events; the flow is of one of them unless all are wanted. */
function JoinedChoice({ view, place }: { readonly view: FlowView; readonly place: FlowPlace }) {
  if (!place.joined && view.model.value.lanes.every(({ joinedWith }) => joinedWith === undefined)) return null
  return (
    <nav class="choice" aria-label="Events of the flow">
      <a href={flowUrl(place.traceId, { ...place, joined: false })} aria-current={place.joined ? undefined : 'true'}>
        This event only
      </a>
      <a
        href={flowUrl(place.traceId, { ...place, joined: true })}
        aria-current={place.joined ? 'true' : undefined}
        title="With the other events whose messages the same batches took"
      >
        With joined events
      </a>
    </nav>
  )
}

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
          title="Producers and consumers (g)"
        >
          Graph
        </a>
      </nav>
      <JoinedChoice view={view} place={place} />
      <p class="legend">
        <span>
          <i class="legend-path" /> critical path
        </span>
        <span>
          <i class="legend-queue" /> in a queue
        </span>
        <span>
          <i class="legend-skew" /> clock skew
        </span>
      </p>
      <IconButton icon="collapse" label="Group similar" keys="C" onClick={() => foldGroups(view)} />
      <IconButton icon="expand" label="Show all traces" keys="E" onClick={() => expandGroups(view)} />
      {!isGraph && <ZoomState view={view} what="flow" />}
    </div>
  )
}
