import { readBacklinkHead } from '../../trace-rows/backlink-row.ts'
import type { RowDecoders } from '../../trace-rows/fetch-trace-rows.ts'
import { readLinkValues, readMessagingBody } from '../../trace-rows/messaging-body.ts'
import {
  deriveMessaging,
  findMessagingKeys,
  isMessagingKind,
  type MessagingKeys,
  NO_VALUES,
  type SpanMessaging,
} from '../../trace-rows/span-messaging.ts'
import {
  type Entries,
  readSpanBody,
  readSpanHead,
  type SpanBody,
  type SpanHead,
  type SpanShape,
} from '../../trace-rows/trace-row.ts'
import { type FoundLink, type SpanDetails, type StoredSpan, toFoundLink, toFoundLinks } from './stored-span.ts'

export type DetailedSpan = { readonly span: StoredSpan; readonly details: SpanDetails }

/** Decodes of spans and backlinks what message lists use. */
export function createMessageDecoders(): RowDecoders<DetailedSpan, FoundLink> {
  const known = new WeakMap<object, ShapeKeys>()
  const keysOf = (shape: Pick<SpanShape, 'keys'>): ShapeKeys => {
    const keys = known.get(shape) ?? {
      messaging: findMessagingKeys(shape.keys),
      hasErrorType: shape.keys.includes(ERROR_TYPE),
    }
    known.set(shape, keys)
    return keys
  }
  return {
    span: (row, shape) => {
      const head = readSpanHead(row.head(), row.traceId(), row.spanId(), shape)
      const hasMessaging = isMessagingKind(head.kind)
      const { messaging, hasErrorType } = keysOf(shape)
      const mayHaveError = head.status === 'error' || (hasMessaging && (hasErrorType || head.eventTimes.length > 0))
      if (!hasMessaging && !mayHaveError && head.linkCount === 0) {
        return { span: toOtherSpan(head), details: NO_DETAILS }
      }
      const { values, links, statusMessage } = readMessagingBody(row.body(), messaging)
      const { key, batchCount, ...columns } = deriveMessaging(head, values, shape.resourceCluster)
      const error = mayHaveError ? readError(readSpanBody(row.body(), shape)) : { errorMessage: statusMessage }
      return {
        span: { ...toSpan(head, columns), links: toFoundLinks(head, links) },
        details: { ...NO_DETAILS, key, batchSize: batchCount === '' ? undefined : Number(batchCount), ...error },
      }
    },
    backlink: (row, shape) => {
      const head = readBacklinkHead(row.head(), row.traceId(), row.spanId(), shape)
      const { traceId, spanId, linkingTraceId, linkingSpanId, kind, service, start, ordinal } = head
      const linking = { traceId: linkingTraceId, spanId: linkingSpanId, kind, service, start }
      const values = readLinkValues(row.body(), keysOf(shape).messaging, shape.linkingKeys.length)
      return toFoundLink({ traceId, spanId }, linking, ordinal, values)
    },
  }
}

type ShapeKeys = { readonly messaging: MessagingKeys; readonly hasErrorType: boolean }

const ERROR_TYPE = 'error.type'
const NO_DETAILS: SpanDetails = { key: '', batchSize: undefined, hasException: false, errorType: '', errorMessage: '' }

/** A span of a kind that no message has, without links. */
export function toOtherSpan(head: SpanHead): StoredSpan {
  return { ...toSpan(head, deriveMessaging(head, NO_VALUES, '')), links: [] }
}

function toSpan(
  { traceId, spanId, parentSpanId, kind, service, name, status, start, duration }: SpanHead,
  { operation, cluster, topic, partition, offset, group }: Omit<SpanMessaging, 'key' | 'batchCount'>,
): Omit<StoredSpan, 'links'> {
  const end = BigInt.asUintN(64, start + duration)
  return {
    traceId,
    spanId,
    kind,
    service,
    parentSpanId,
    start,
    end,
    name,
    status,
    operation,
    cluster,
    topic,
    partition,
    offset,
    group,
  }
}

/** The last exception event, otherwise `error.type` and the status. */
function readError({ events, attributes, statusMessage }: SpanBody): Omit<SpanDetails, 'key' | 'batchSize'> {
  const exception = events.findLast(({ name }) => name === 'exception')?.attributes ?? []
  return {
    hasException: exception.length > 0,
    errorType: findText(exception, 'exception.type') || findText(attributes, ERROR_TYPE),
    errorMessage: findText(exception, 'exception.message') || statusMessage,
  }
}

function findText(attributes: Entries, name: string): string {
  return attributes.find(([key]) => key === name)?.[1] ?? ''
}
