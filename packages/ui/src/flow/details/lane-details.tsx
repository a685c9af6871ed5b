import { formatDuration, formatDurationNano } from '../../lib/format/duration.ts'
import { NO_PROCESS_SPAN_NOTE } from '../model/flow-messages.ts'
import { flowUrl } from '../flow-url.ts'
import { isLaneOpen, toggleLane, type FlowProps } from '../flow-view.ts'
import { traceUrl } from '../../app/route.ts'
import { push } from '../../lib/url.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { DetailsPanel, SpanTitle } from '../../components/details/details-panel.tsx'
import { closeDetails } from '../flow-selection.ts'
import { StatusTag } from '../../components/labels/labels.tsx'
import { SpanSections, StatusMessage, useSpanDetails } from '../../trace/span-panel/span-sections.tsx'
import { EdgeList } from './edge-list.tsx'
import { JoinedEvents } from '../header/flow-origins.tsx'
import { LaneErrors } from './lane-errors.tsx'
import { Pair } from '../../components/labels/facts.tsx'
import { formatCountOf } from '../../lib/format/number.ts'

export function LaneDetails({ view, pageState, lane }: FlowProps & { readonly lane: number }) {
  const model = view.model.value
  const shown = model.lanes[lane]
  const details = useSpanDetails(shown?.traceId ?? '', shown?.rootSpanId ?? '', model.response)
  if (shown === undefined) return null
  return (
    <DetailsPanel
      label="Details"
      title={
        <SpanTitle
          service={shown.rootService}
          name={shown.rootName}
          tags={
            details.data && (
              <>
                <span class="tag">{details.data.span.kind}</span>
                <StatusTag code={details.data.span.status.code} />
              </>
            )
          }
        />
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
          {isLaneOpen(view, lane) ? 'Hide spans' : `Show ${formatCountOf(shown.spanCount, 'span')} here`}
        </button>
      </p>
      <dl class="pairs">
        <Pair name="Start">+{formatDuration(model.start[lane] ?? 0)}</Pair>
        <Pair name="Duration">{formatDurationNano(shown.durationNano)}</Pair>
        <Pair name="Spans">{shown.spanCount.toLocaleString('en')}</Pair>
        <Pair name="Errors" class={shown.errorCount > 0 ? 'failed' : ''}>
          {shown.errorCount.toLocaleString('en')}
        </Pair>
        <Pair name="Trace ID" class="mono">
          {shown.traceId} <CopyButton value={shown.traceId} label="Copy trace ID" />
        </Pair>
      </dl>
      {shown.rootMissing && <p class="faint">Root span missing; the earliest span is shown instead.</p>}
      {shown.endsAtReceive && <p class="faint">No process span. {NO_PROCESS_SPAN_NOTE}</p>}
      {shown.id !== shown.traceId && (
        <p class="faint">Part of a trace: the consumer continues the trace of the producer.</p>
      )}
      {shown.joinedWith !== undefined && <JoinedEvents joined={shown.joinedWith} pageState={pageState} />}
      <LaneErrors view={view} pageState={pageState} lane={shown} />
      <EdgeList view={view} pageState={pageState} edges={model.incoming[lane] ?? []} to="cause" />
      <EdgeList view={view} pageState={pageState} edges={model.outgoing[lane] ?? []} to="effect" />
      <SpanSections
        details={details}
        startUnixNano={model.startUnixNano}
        isParentMissing={shown.rootMissing && details.data?.span.parentSpanId !== ''}
      />
    </DetailsPanel>
  )
}
