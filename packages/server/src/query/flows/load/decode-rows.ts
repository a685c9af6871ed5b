import { NO_TRACE } from '../../links/linked-span.ts'
import { toKindServiceKey } from '../../links/span-ref.ts'
import { type BacklinkHead, readBacklinkHead } from '../../trace-rows/backlink-row.ts'
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
import { readSpanHead, type SpanHead, type SpanShape } from '../../trace-rows/trace-row.ts'
import type { FlowLink, FlowSpanRef, FlowSpanRow } from '../flow-span.ts'

export type FlowSpanWithLinks = { readonly span: FlowSpanRow; readonly links: readonly FlowLink[] }

/** Decodes of spans and backlinks what flows use. */
export function createFlowDecoders(): RowDecoders<FlowSpanWithLinks, FlowLink> {
  const keys = new WeakMap<object, ReturnType<typeof findMessagingKeys>>()
  const keysOf = (shape: Pick<SpanShape, 'keys'>): ReturnType<typeof findMessagingKeys> => {
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
      return toFlowBacklink(head, readLinkValues(row.body(), keysOf(shape), shape.linkingKeys.length))
    },
  }
}

/** Whether flows need more of a span than its head. */
export function hasMessagingBody({ kind, linkCount }: SpanHead): boolean {
  return linkCount > 0 || isMessagingKind(kind)
}

export const NO_BODY: MessagingBody = { values: NO_VALUES, statusMessage: '', flags: 0, links: [] }

export function toFlowSpan(head: SpanHead, body: MessagingBody, resourceCluster: string): FlowSpanWithLinks {
  const { traceId, spanId, parentSpanId, service, name, kind, status, start, duration } = head
  // The end that the duration was computed from, modulo 2^64.
  const end = BigInt.asUintN(64, start + duration)
  const messaging = deriveMessaging(head, body.values, resourceCluster)
  const kindServiceKey = toKindServiceKey(head)
  const links = body.links.length === 0 ? NO_LINKS : toFlowLinks({ traceId, spanId, kindServiceKey }, body.links)
  const span = {
    traceId,
    spanId,
    parentSpanId,
    service,
    name,
    kind,
    status,
    flags: body.flags,
    start,
    end: end < start ? start : end,
    operation: messaging.operation,
    cluster: messaging.cluster,
    topic: messaging.topic,
    partition: messaging.partition,
    offset: messaging.offset,
    key: messaging.key,
    group: messaging.group,
    messageCount: Number(messaging.batchCount) || 0,
    linkCount: links.length,
    kindServiceKey,
  }
  return { span, links }
}

const NO_LINKS: readonly FlowLink[] = []

function toFlowLinks(linkingSpan: FlowSpanRef, links: MessagingBody['links']): readonly FlowLink[] {
  return links.flatMap(({ traceId, spanId, values }, ordinal) =>
    traceId === NO_TRACE ? [] : toFlowLink(linkingSpan, { traceId, spanId }, ordinal, values),
  )
}

export function toFlowBacklink(head: BacklinkHead, values: MessagingValues): FlowLink {
  const { traceId, spanId, linkingTraceId, linkingSpanId, ordinal } = head
  const linkingSpan = { traceId: linkingTraceId, spanId: linkingSpanId, kindServiceKey: toKindServiceKey(head) }
  return toFlowLink(linkingSpan, { traceId, spanId }, ordinal, values)
}

function toFlowLink(linkingSpan: FlowSpanRef, target: FlowSpanRef, ordinal: number, values: MessagingValues): FlowLink {
  const { cluster, topic, partition, offset, key, group } = toLinkMessaging(values)
  return { linkingSpan, target, ordinal, cluster, topic, partition, offset, key, group }
}
