import { formatDuration, formatDurationNano } from '../../lib/format/duration.ts'
import { NO_PROCESS_SPAN_NOTE } from '../model/flow-messages.ts'
import { flowUrl, type FlowPageState } from '../flow-url.ts'
import { isLaneOpen, toggleLane, type FlowView } from '../flow-view.ts'
import { traceUrl } from '../../app/route.ts'
import { push } from '../../lib/url.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { DetailsPanel } from '../../components/details/details-panel.tsx'
import { closeDetails } from '../flow-selection.ts'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { LongText } from '../../components/details/long-text.tsx'
import { SpanSections, StatusMessage, useSpanDetails } from '../../trace/span-panel/span-sections.tsx'
import { StatusTag } from '../../components/labels/status-tag.tsx'
import { EdgeList } from './edge-list.tsx'
import { JoinedEvents } from '../header/flow-origins.tsx'
import { LaneErrors } from './lane-errors.tsx'

export function LaneDetails(props: {
  readonly view: FlowView
  readonly pageState: FlowPageState
  readonly lane: number
}) {
  const { view, pageState, lane } = props
  const model = view.model.value
  const shown = model.lanes[lane]
  const details = useSpanDetails(shown?.traceId ?? '', shown?.rootSpanId ?? '', model.response)
  if (shown === undefined) return null
  return (
    <DetailsPanel
      label="Details"
      title={
        <>
          <ServiceName name={shown.rootService} />
          <h2>
            <LongText text={shown.rootName} maxLength={160} />
          </h2>
          <span class="tags">
            {details.data !== undefined && <span class="tag">{details.data.span.kind}</span>}
            {details.data !== undefined && <StatusTag code={details.data.span.status.code} />}
          </span>
        </>
      }
      onClose={() => closeDetails(pageState)}
    >
      <StatusMessage response={details.data} />
      <p class="panel-actions">
        <a class="button" href={traceUrl(shown.traceId, shown.rootSpanId)}>
          Open trace
        </a>
        <button
          type="button"
          onClick={() => {
            toggleLane(view, lane)
            // The graph does not show spans.
            if (pageState.view === 'graph') push(flowUrl(pageState.traceId, { ...pageState, view: 'timeline' }))
          }}
        >
          {isLaneOpen(view, lane)
            ? 'Hide spans'
            : `Show ${shown.spanCount === 1 ? '1 span' : `${shown.spanCount.toLocaleString('en')} spans`} here`}
        </button>
      </p>
      <dl class="pairs">
        <dt>Start</dt>
        <dd>+{formatDuration(model.start[lane] ?? 0)}</dd>
        <dt>Duration</dt>
        <dd>{formatDurationNano(shown.durationNano)}</dd>
        <dt>Spans</dt>
        <dd>{shown.spanCount.toLocaleString('en')}</dd>
        <dt>Errors</dt>
        <dd class={shown.errorCount > 0 ? 'failed' : ''}>{shown.errorCount.toLocaleString('en')}</dd>
        <dt>Trace ID</dt>
        <dd class="mono">
          {shown.traceId} <CopyButton value={shown.traceId} label="Copy trace ID" />
        </dd>
      </dl>
      {shown.rootMissing && <p class="faint">Root span missing; the earliest span is shown instead.</p>}
      {shown.endsAtReceive && <p class="faint">No process span. {NO_PROCESS_SPAN_NOTE}</p>}
      {shown.id !== shown.traceId && (
        <p class="faint">Part of a trace: the consumer continues the trace of the producer.</p>
      )}
      {shown.joinedWith !== undefined && <JoinedEvents joined={shown.joinedWith} pageState={pageState} />}
      <LaneErrors pageState={pageState} lane={shown} lanes={model.lanes} />
      <EdgeList model={model} pageState={pageState} edges={model.incoming[lane] ?? []} to="cause" />
      <EdgeList model={model} pageState={pageState} edges={model.outgoing[lane] ?? []} to="effect" />
      <SpanSections
        details={details}
        startUnixNano={model.startUnixNano}
        isParentMissing={shown.rootMissing && details.data?.span.parentSpanId !== ''}
      />
    </DetailsPanel>
  )
}
