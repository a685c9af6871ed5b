import type { Span, SpanResponse } from '@spanlink/api-schema'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { traceUrl } from '../../app/route.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { LongText } from '../../components/details/long-text.tsx'
import { Section } from '../../components/details/section.tsx'

export function SpanIdentity(props: {
  readonly traceId: string
  readonly span: Span
  readonly isParentMissing: boolean
  /** Other spans with this id. */
  readonly sharedBy: NonNullable<SpanResponse['spansWithSameId']>
}) {
  const { traceId, span } = props
  return (
    <Section title="Identity" open>
      <dl class="pairs mono">
        <dt>Trace ID</dt>
        <dd>
          {traceId}
          <CopyButton value={traceId} label="Copy trace ID" />
        </dd>
        <dt>Span ID</dt>
        <dd>
          {span.spanId}
          <CopyButton value={span.spanId} label="Copy span ID" />
        </dd>
        {props.sharedBy.length > 0 && (
          <>
            <dt>Shared by</dt>
            <dd>{props.sharedBy.map(({ kind, service }) => `${sanitizeText(service, 60)} (${kind})`).join(', ')}</dd>
          </>
        )}
        <dt>Parent</dt>
        <dd>
          {span.parentSpanId === '' ? (
            <span class="faint">none (root span)</span>
          ) : (
            <>
              <a href={traceUrl(traceId, span.parentSpanId)}>{span.parentSpanId}</a>
              {props.isParentMissing && <span class="tag warn">not found</span>}
            </>
          )}
        </dd>
        <dt>Trace state</dt>
        <dd>
          {span.traceState === '' ? (
            <span class="faint">none</span>
          ) : (
            <LongText text={span.traceState} maxLength={300} />
          )}
        </dd>
        <dt>Flags</dt>
        <dd>
          0x{span.flags.toString(16).padStart(2, '0')} <span class="faint">{flagWords(span.flags)}</span>
        </dd>
        <dt>Dropped</dt>
        <dd>
          {span.droppedAttributesCount} attributes, {span.droppedEventsCount} events, {span.droppedLinksCount} links
        </dd>
      </dl>
    </Section>
  )
}

/**
 * Describes span flags: W3C trace flags in the low byte; bits 8 and 9 (OTLP) show whether the
 * parent is remote.
 */
function flagWords(flags: number): string {
  const words = [(flags & 0x01) !== 0 ? 'sampled' : 'not sampled']
  if ((flags & 0x02) !== 0) words.push('random trace id')
  if ((flags & 0x100) !== 0) words.push((flags & 0x200) !== 0 ? 'remote parent' : 'local parent')
  return words.join(', ')
}
