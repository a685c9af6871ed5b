import { durationText, nanoText } from '../../model/duration-text.ts'
import { flowUrl, type FlowPlace } from '../../state/flow-url.ts'
import { isLaneOpen, toggleLane, type FlowView } from '../../state/flow-view.ts'
import { traceUrl } from '../../state/route.ts'
import { push } from '../../state/url.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { ServiceName } from '../parts/service-name.tsx'
import { Text } from '../parts/text.tsx'
import { EdgeList } from './edge-list.tsx'

export function LaneDetails(props: { readonly view: FlowView; readonly place: FlowPlace; readonly lane: number }) {
  const { view, place, lane } = props
  const model = view.model.value
  const shown = model.lanes[lane]
  if (shown === undefined) return null
  return (
    <>
      <header>
        <div class="panel-title">
          <ServiceName name={shown.rootService} />
          <h2>
            <Text class="block">{shown.rootName}</Text>
          </h2>
        </div>
      </header>
      <div class="panel-body">
        <p class="panel-actions">
          <a class="button" href={traceUrl(shown.traceId, shown.rootSpanId)}>
            Open the trace
          </a>
          <button
            type="button"
            onClick={() => {
              toggleLane(view, lane)
              // A graph has no room for spans.
              if (place.view === 'graph') push(flowUrl(place.traceId, { ...place, view: 'timeline' }))
            }}
          >
            {isLaneOpen(view, lane)
              ? 'Hide its spans'
              : shown.spanCount === 1
                ? 'Show its span here'
                : `Show all ${shown.spanCount.toLocaleString('en')} spans here`}
          </button>
        </p>
        <dl class="pairs">
          <dt>Starts at</dt>
          <dd>{durationText(model.start[lane] ?? 0)}</dd>
          <dt>Duration</dt>
          <dd>{nanoText(shown.durationNano)}</dd>
          <dt>Spans</dt>
          <dd>{shown.spanCount.toLocaleString('en')}</dd>
          <dt>Errors</dt>
          <dd class={shown.errorCount > 0 ? 'failed' : ''}>{shown.errorCount.toLocaleString('en')}</dd>
          <dt>Trace id</dt>
          <dd class="mono">
            {shown.traceId} <CopyButton value={shown.traceId} label="Copy the trace id" />
          </dd>
        </dl>
        {shown.rootMissing && <p class="faint">Its root span is not here; the earliest one stands for it.</p>}
        {shown.id !== shown.traceId && (
          <p class="faint">A part of its trace: cut where a consumer goes on in the trace of the producer.</p>
        )}
        <EdgeList model={model} place={place} edges={model.incoming[lane] ?? []} to="cause" />
        <EdgeList model={model} place={place} edges={model.outgoing[lane] ?? []} to="effect" />
      </div>
    </>
  )
}
