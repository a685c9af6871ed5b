import type { Span, SpanResponse } from '@spanlink/api-schema'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { traceUrl } from '../../app/route.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { Pair } from '../../components/labels/facts.tsx'
import { OptionalText } from '../../components/labels/labels.tsx'
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
        <Pair name="Trace ID">
          {traceId}
          <CopyButton value={traceId} label="Copy trace ID" />
        </Pair>
        <Pair name="Span ID">
          {span.spanId}
          <CopyButton value={span.spanId} label="Copy span ID" />
        </Pair>
        {props.sharedBy.length > 0 && (
          <Pair name="Shared by">
            {props.sharedBy.map(({ kind, service }) => `${sanitizeText(service, 60)} (${kind})`).join(', ')}
          </Pair>
        )}
        <Pair name="Parent">
          {span.parentSpanId === '' ? (
            <span class="faint">none (root span)</span>
          ) : (
            <>
              <a href={traceUrl(traceId, span.parentSpanId)}>{span.parentSpanId}</a>
              {props.isParentMissing && <span class="tag warn">not found</span>}
            </>
          )}
        </Pair>
        <Pair name="Trace state">
          <OptionalText text={span.traceState} />
        </Pair>
        <Pair name="Flags">
          0x{span.flags.toString(16).padStart(2, '0')} <span class="faint">{flagWords(span.flags)}</span>
        </Pair>
        <Pair name="Dropped">
          {span.droppedAttributesCount} attributes, {span.droppedEventsCount} events, {span.droppedLinksCount} links
        </Pair>
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
