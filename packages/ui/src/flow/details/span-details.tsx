import { formatDuration } from '../../lib/format/duration.ts'
import { formatRecord } from '../../lib/format/record.ts'
import type { PlacedSpan } from '../model/placed-flow.ts'
import { flowUrl, type FlowPageState } from '../flow-url.ts'
import type { FlowView } from '../flow-view.ts'
import { traceUrl } from '../../app/route.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { DetailsPanel } from '../../components/details/details-panel.tsx'
import { closeDetails } from '../flow-selection.ts'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'
import { LongText } from '../../components/details/long-text.tsx'
import { SpanSections, StatusMessage, useSpanDetails } from '../../trace/span-panel/span-sections.tsx'
import { StatusTag } from '../../components/labels/status-tag.tsx'
import { EdgeList } from './edge-list.tsx'

export function SpanDetails(props: {
  readonly view: FlowView
  readonly pageState: FlowPageState
  readonly traceId: string
  readonly spanId: string
}) {
  const { view, pageState, traceId, spanId } = props
  const model = view.model.value
  const details = useSpanDetails(traceId, spanId, model.response)
  const span = details.data?.span
  const placed: PlacedSpan | undefined = model.spans.get(`${traceId}/${spanId}`)
  const start = span === undefined ? placed?.start : Number(BigInt(span.startTimeUnixNano) - model.startUnixNano)
  const end = span === undefined ? placed?.end : Number(BigInt(span.endTimeUnixNano) - model.startUnixNano)
  const edges = (side: 'from' | 'to'): number[] =>
    model.edges.flatMap(({ edge }, index) =>
      edge[side].spanId === spanId && edge[side].traceId === traceId ? [index] : [],
    )
  return (
    <DetailsPanel
      label="Details"
      title={
        <>
          {span === undefined && placed === undefined ? (
            <h2>Loading the span…</h2>
          ) : (
            <>
              <ServiceName name={span?.service ?? placed?.service ?? ''} />
              <h2>
                <LongText text={span?.name ?? placed?.name ?? ''} maxLength={160} />
              </h2>
              <span class="tags">
                {placed !== undefined && placed.operation !== 'none' && <span class="tag">{placed.operation}</span>}
                <StatusTag code={span?.status.code ?? placed?.status ?? 'unset'} />
              </span>
            </>
          )}
        </>
      }
      onClose={() => closeDetails(pageState)}
    >
      <StatusMessage response={details.data} />
      <p class="panel-actions">
        <a class="button" href={traceUrl(traceId, spanId)}>
          Open in trace
        </a>
        {pageState.end === spanId ? (
          <a class="button" href={flowUrl(pageState.traceId, { ...pageState, end: undefined })}>
            Critical path to the last span
          </a>
        ) : (
          <a class="button" href={flowUrl(pageState.traceId, { ...pageState, end: spanId })}>
            Critical path to here
          </a>
        )}
      </p>
      <dl class="pairs">
        {start !== undefined && end !== undefined && (
          <>
            <dt>Start</dt>
            <dd>+{formatDuration(start)}</dd>
            <dt>Duration</dt>
            <dd>{formatDuration(end - start)}</dd>
          </>
        )}
        {span?.record !== undefined && formatRecord(span.record) !== '' && (
          <>
            <dt>Message</dt>
            <dd>
              <Text>{formatRecord(span.record)}</Text>
            </dd>
          </>
        )}
        {span?.record !== undefined && span.record.key !== '' && (
          <>
            <dt>Key</dt>
            <dd>
              <Text class="mono">{span.record.key}</Text>
            </dd>
          </>
        )}
        {placed !== undefined && placed.consumerGroup !== '' && (
          <>
            <dt>Consumer group</dt>
            <dd>
              <Text>{placed.consumerGroup}</Text>
            </dd>
          </>
        )}
        <dt>Span ID</dt>
        <dd class="mono">
          {spanId.slice(0, 32)} <CopyButton value={spanId} label="Copy span ID" />
        </dd>
      </dl>
      <EdgeList model={model} pageState={pageState} edges={edges('to')} to="cause" />
      <EdgeList model={model} pageState={pageState} edges={edges('from')} to="effect" />
      <SpanSections details={details} startUnixNano={model.startUnixNano} isParentMissing={false} />
    </DetailsPanel>
  )
}
