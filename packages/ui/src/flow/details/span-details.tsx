import { formatDuration } from '../../lib/format/duration.ts'
import { formatRecord } from '../../lib/format/record.ts'
import type { PlacedSpan } from '../model/placed-flow.ts'
import { flowUrl, type SpanKey } from '../flow-url.ts'
import { traceUrl } from '../../app/route.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { DetailsPanel, SpanTitle } from '../../components/details/details-panel.tsx'
import { closeDetails } from '../flow-selection.ts'
import { Text, StatusTag } from '../../components/labels/labels.tsx'
import { SpanSections, StatusMessage, useSpanDetails } from '../../trace/span-panel/span-sections.tsx'
import { EdgeList } from './edge-list.tsx'
import { Pair } from '../../components/labels/facts.tsx'
import type { FlowProps } from '../flow-view.ts'

export function SpanDetails({ view, pageState, traceId, spanId }: FlowProps & SpanKey) {
  const model = view.model.value
  const details = useSpanDetails(traceId, spanId, model.response)
  const span = details.data?.span
  const isEnd = pageState.end === spanId
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
        span === undefined && placed === undefined ? (
          <h2>Loading the span…</h2>
        ) : (
          <SpanTitle
            service={span?.service ?? placed?.service ?? ''}
            name={span?.name ?? placed?.name ?? ''}
            tags={
              <>
                {placed !== undefined && placed.operation !== 'none' && <span class="tag">{placed.operation}</span>}
                <StatusTag code={span?.status.code ?? placed?.status ?? 'unset'} />
              </>
            }
          />
        )
      }
      onClose={() => closeDetails(pageState)}
    >
      <StatusMessage response={details.data} />
      <p class="panel-actions">
        <a class="button" href={traceUrl(traceId, spanId)}>
          Open in trace
        </a>
        <a class="button" href={flowUrl(pageState.traceId, { ...pageState, end: isEnd ? undefined : spanId })}>
          {isEnd ? 'Critical path to the last span' : 'Critical path to here'}
        </a>
      </p>
      <dl class="pairs">
        {start !== undefined && end !== undefined && (
          <>
            <Pair name="Start">+{formatDuration(start)}</Pair>
            <Pair name="Duration">{formatDuration(end - start)}</Pair>
          </>
        )}
        {span?.record !== undefined && formatRecord(span.record) !== '' && (
          <Pair name="Message">
            <Text>{formatRecord(span.record)}</Text>
          </Pair>
        )}
        {span?.record !== undefined && span.record.key !== '' && (
          <Pair name="Key">
            <Text class="mono">{span.record.key}</Text>
          </Pair>
        )}
        {placed !== undefined && placed.consumerGroup !== '' && (
          <Pair name="Consumer group">
            <Text>{placed.consumerGroup}</Text>
          </Pair>
        )}
        <Pair name="Span ID" class="mono">
          {spanId.slice(0, 32)} <CopyButton value={spanId} label="Copy span ID" />
        </Pair>
      </dl>
      <EdgeList view={view} pageState={pageState} edges={edges('to')} to="cause" />
      <EdgeList view={view} pageState={pageState} edges={edges('from')} to="effect" />
      <SpanSections details={details} startUnixNano={model.startUnixNano} isParentMissing={false} />
    </DetailsPanel>
  )
}
