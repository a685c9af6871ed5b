import type { MessageSpan } from '@spanlink/api-schema'
import { NO_TRACE } from '../../links/linked-span.ts'
import type { SpanIdentity, SpanRef } from '../../links/span-ref.ts'
import type { MessagingLink } from '../../trace-rows/messaging-body.ts'
import { type MessagingValues, toLinkMessaging } from '../../trace-rows/span-messaging.ts'
import type { MessageLink } from '../deliveries/delivery.ts'
import type { MessagingSpan } from './messaging-span.ts'

/** A link to a producer, or from a send to a creation context. */
export type FoundLink = MessageLink & {
  readonly consumedRef: LinkingSpan
  /** Index among the links of the span that carries it. */
  readonly ordinal: number
}

type LinkingSpan = SpanIdentity & { readonly start: bigint }

/** A span with the links that it carries. */
export type StoredSpan = MessagingSpan & { readonly links: readonly FoundLink[] }

/** What only a span's attributes and events have. */
export type SpanDetails = SpanError & {
  readonly key: string
  /** `undefined` if it is no batch. */
  readonly batchSize: number | undefined
  /** Otherwise a log record may have the exception. */
  readonly hasException: boolean
}

export type SpanError = Pick<MessageSpan, 'errorType' | 'errorMessage'>

export function toFoundLinks(
  { traceId, spanId, kind, service, start }: LinkingSpan,
  links: readonly MessagingLink[],
): readonly FoundLink[] {
  if (links.length === 0) return NO_LINKS
  const linking = { traceId, spanId, kind, service, start }
  return links.flatMap((link, ordinal) => {
    if (link.traceId === NO_TRACE) return []
    return toFoundLink({ traceId: link.traceId, spanId: link.spanId }, linking, ordinal, link.values)
  })
}

const NO_LINKS: readonly FoundLink[] = []

export function toFoundLink(
  producerRef: SpanRef,
  consumedRef: LinkingSpan,
  ordinal: number,
  values: MessagingValues,
): FoundLink {
  const { cluster, topic, partition, offset, key } = toLinkMessaging(values)
  return { producerRef, consumedRef, ordinal, cluster, topic, partition, offset, key }
}
