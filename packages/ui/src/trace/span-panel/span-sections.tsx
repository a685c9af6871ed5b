import type { Span, SpanResponse } from '@spanlink/api-schema'
import { toSpanId } from '../../lib/id-index.ts'
import { useRequest, type ResourceState } from '../../lib/resource.ts'
import { AttributeTable } from '../../components/details/attribute-table.tsx'
import { tracesWith } from './traces-with-attribute.ts'
import { LongText } from '../../components/labels/labels.tsx'
import { Section } from '../../components/details/section.tsx'
import { SpanEvents } from './span-events.tsx'
import { SpanIdentity } from './span-identity.tsx'
import { SpanLogs } from './span-logs.tsx'
import { SpanSource } from './span-source.tsx'

/** Loads all stored data of one span; reloads when `news` changes. */
export function useSpanDetails(
  traceId: string,
  rowId: string,
  news: unknown,
  /** Selects one of two spans that share the id. */
  which?: Pick<Span, 'kind' | 'service'>,
): ResourceState<SpanResponse> {
  const query = which === undefined ? '' : `?${new URLSearchParams({ kind: which.kind, service: which.service })}`
  return useRequest(
    `api/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(toSpanId(rowId))}${query}`,
    news,
  )
}

export function StatusMessage({ response }: { readonly response: SpanResponse | undefined }) {
  const status = response?.span.status
  if (status === undefined || status.message === '') return null
  return (
    <p class={`status-message ${status.code}`}>
      <LongText text={status.message} maxLength={600} />
    </p>
  )
}

/**
 * Attributes, events, logs, resource, scope and ids of a span, for both the trace and the flow
 * page.
 */
export function SpanSections(props: {
  readonly details: ResourceState<SpanResponse>
  /** Start of the displayed trace or flow. */
  readonly startUnixNano: bigint
  readonly isParentMissing: boolean
}) {
  const { data, error } = props.details
  if (data === undefined) {
    return error === undefined ? (
      <p class="faint none-line">Loading…</p>
    ) : (
      <p class="errors" role="alert">
        {error.message}
      </p>
    )
  }
  const { span, traceId } = data
  return (
    <>
      <Section title="Attributes" count={span.attributes.length} dropped={span.droppedAttributesCount} open>
        <AttributeTable attributes={span.attributes} same={tracesWith('span')} />
      </Section>
      <SpanEvents startUnixNano={props.startUnixNano} span={span} />
      <SpanLogs traceId={traceId} span={span} />
      <SpanSource source={data.source} />
      <SpanIdentity
        traceId={traceId}
        span={span}
        isParentMissing={props.isParentMissing}
        sharedBy={data.spansWithSameId ?? []}
      />
    </>
  )
}
