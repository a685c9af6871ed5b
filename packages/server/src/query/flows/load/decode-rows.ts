import { NO_TRACE } from '../../links/linked-span.ts'
import { toKindServiceKey } from '../../links/span-ref.ts'
import type { RowDecoders } from '../../trace-rows/fetch-trace-rows.ts'
import { type MessagingBody, readLinkValues, readMessagingBody } from '../../trace-rows/messaging-body.ts'
import {
  deriveMessaging,
  findMessagingKeys,
  isMessagingKind,
  type MessagingValues,
  NO_VALUES,
  toLinkMessaging,
} from '../../trace-rows/span-messaging.ts'
import {
  type BacklinkHead,
  type BacklinkShape,
  readBacklinkHead,
  readSpanHead,
  type SpanHead,
} from '../../trace-rows/trace-row.ts'
import type { FlowLink, FlowSpanRow } from '../flow-span.ts'

export type FlowSpanWithLinks = { readonly span: FlowSpanRow; readonly links: readonly FlowLink[] }

/** Decodes of spans and backlinks what flows use. */
export function createFlowDecoders(): RowDecoders<FlowSpanWithLinks, FlowLink> {
  const keys = new WeakMap<object, ReturnType<typeof findMessagingKeys>>()
  const keysOf = (shape: BacklinkShape): ReturnType<typeof findMessagingKeys> => {
    const known = keys.get(shape) ?? findMessagingKeys(shape.keys)
    keys.set(shape, known)
    return known
  }
  return {
    span: (row, shape) => {
      const head = readSpanHead(row.head(), row.traceId(), row.spanId(), shape)
      const body = hasMessagingBody(head) ? readMessagingBody(row.body(), keysOf(shape)) : NO_BODY
      return toFlowSpan(head, body, shape.resourceCluster)
    },
    backlink: (row, shape) => {
      const head = readBacklinkHead(row.head(), row.traceId(), row.spanId(), shape)
      return toFlowBacklink(head, readLinkValues(row.body(), keysOf(shape)))
    },
  }
}

/** Whether flows need more of a span than its head. */
export function hasMessagingBody({ kind, linkCount }: SpanHead): boolean {
  return linkCount > 0 || isMessagingKind(kind)
}

export const NO_BODY: MessagingBody = { values: NO_VALUES, statusMessage: '', flags: 0, links: [] }

export function toFlowSpan(
  head: SpanHead,
  { values, flags, links }: MessagingBody,
  resourceCluster: string,
): FlowSpanWithLinks {
  const { traceId, spanId, parentSpanId, service, name, kind, status, start, duration } = head
  // The end that the duration was computed from, modulo 2^64.
  const end = BigInt.asUintN(64, start + duration)
  const { operation, cluster, topic, partition, offset, key, group } = deriveMessaging(head, values, resourceCluster)
  const kindServiceKey = toKindServiceKey(head)
  const linkingSpan = { traceId, spanId, kindServiceKey }
  return {
    span: {
      traceId,
      spanId,
      parentSpanId,
      service,
      name,
      kind,
      status,
      flags,
      start,
      end: end < start ? start : end,
      operation,
      cluster,
      topic,
      partition,
      offset,
      key,
      group,
      kindServiceKey,
    },
    links: links.flatMap((link, ordinal) => {
      if (link.traceId === NO_TRACE) return []
      const target = { traceId: link.traceId, spanId: link.spanId }
      return { linkingSpan, target, ordinal, ...toLinkMessaging(link.values) }
    }),
  }
}

export function toFlowBacklink(head: BacklinkHead, values: MessagingValues): FlowLink {
  return {
    linkingSpan: {
      traceId: head.linkingTraceId,
      spanId: head.linkingSpanId,
      kindServiceKey: toKindServiceKey(head),
    },
    target: { traceId: head.traceId, spanId: head.spanId },
    ordinal: head.ordinal,
    ...toLinkMessaging(values),
  }
}
