import { flowUrl } from '../flow-url.ts'
import { expandGroups, foldGroups, type FlowProps } from '../flow-view.ts'
import { IconButton } from '../../components/buttons/icon-button.tsx'
import { ZoomState } from '../../components/tree/zoom-state.tsx'

/** A batch consumes messages of many events. The flow shows one event unless all are requested. */
function JoinedChoice({ view, pageState }: FlowProps) {
  if (!pageState.joined && view.model.value.lanes.every(({ joinedWith }) => joinedWith === undefined)) return null
  return (
    <nav class="choice" aria-label="Events">
      <a
        href={flowUrl(pageState.traceId, { ...pageState, joined: false })}
        aria-current={pageState.joined ? undefined : 'true'}
      >
        This event only
      </a>
      <a
        href={flowUrl(pageState.traceId, { ...pageState, joined: true })}
        aria-current={pageState.joined ? 'true' : undefined}
        title="Include other events consumed in the same batches"
      >
        With joined events
      </a>
    </nav>
  )
}

export function FlowToolbar({ view, pageState }: FlowProps) {
  const isGraph = pageState.view === 'graph'
  return (
    <div class="toolbar flow-toolbar">
      <nav class="choice" aria-label="View">
        <a
          href={flowUrl(pageState.traceId, { ...pageState, view: 'timeline' })}
          aria-current={isGraph ? undefined : 'true'}
          title="Traces over time (g)"
        >
          Timeline
        </a>
        <a
          href={flowUrl(pageState.traceId, { ...pageState, view: 'graph' })}
          aria-current={isGraph ? 'true' : undefined}
          title="Producers and consumers (g)"
        >
          Graph
        </a>
      </nav>
      <JoinedChoice view={view} pageState={pageState} />
      <p class="legend">
        <span>
          <i class="legend-path" /> critical path
        </span>
        <span>
          <i class="legend-queue" /> queue time
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
