import type { Span, SpanResponse } from '@spanlink/api-schema'
import { useEffect, useMemo } from 'preact/hooks'
import { toSpanId } from '../../lib/id-index.ts'
import { createResource, type Resource } from '../../lib/resource.ts'
import { AttributeTable } from '../../components/details/attribute-table.tsx'
import { tracesWith } from './traces-with-attribute.ts'
import { LongText } from '../../components/details/long-text.tsx'
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
): Resource<SpanResponse>['state']['value'] {
  const details = useMemo(() => createResource<SpanResponse>(), [])
  useEffect(() => {
    const query = which === undefined ? '' : `?${new URLSearchParams({ kind: which.kind, service: which.service })}`
    void details.load(`/api/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(toSpanId(rowId))}${query}`)
    return () => details.stop()
  }, [details, traceId, rowId, which?.kind, which?.service, news])
  return details.state.value
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
  readonly details: Pick<Resource<SpanResponse>['state']['value'], 'data' | 'error'>
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
