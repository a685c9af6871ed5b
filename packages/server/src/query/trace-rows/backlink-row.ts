import type { Span } from '@spanlink/api-schema'
import type { PayloadReader } from '../../clickhouse/read/payload-reader.ts'
import {
  checkEnd,
  type Entries,
  type LinkBody,
  readList,
  readOperation,
  readText,
  readValues,
  type SpanShape,
} from './trace-row.ts'

/** What backlinks from spans of an operation share. */
export type BacklinkShape = Pick<
  SpanShape,
  'kind' | 'status' | 'service' | 'name' | 'keys' | 'attributeTypes' | 'resourceCluster'
> & {
  /** Of the linking span's messaging attributes; none if messages have no spans of its kind. */
  readonly linkingKeys: readonly string[]
  /** It has messaging attributes, but they would take too much with so many links. */
  readonly areLinkingAttributesLeftOut: boolean
}

/** A link to the span `spanId` of `traceId`, with what is known of the linking span. */
export type BacklinkHead = {
  readonly traceId: string
  readonly spanId: string
  readonly linkingTraceId: string
  readonly linkingSpanId: string
  readonly start: bigint
  readonly duration: bigint
  /** Index among the linking span's links, from 0. */
  readonly ordinal: number
  readonly kind: Span['kind']
  readonly status: Span['status']['code']
  readonly service: string
  readonly name: string
}

/** The rest of a backlink: the link, and what names the record besides it. */
export type BacklinkBody = LinkBody & {
  /** Messaging attributes of the linking span. */
  readonly linkingAttributes: Entries
  /** It has others, which would take too much with so many links. */
  readonly areLinkingAttributesLeftOut: boolean
  /** Of the linking span's resource. */
  readonly resourceCluster: string
}

export type BacklinkRow = BacklinkHead & BacklinkBody

/** @throws PayloadError */
export function readBacklinkShape(reader: PayloadReader): BacklinkShape {
  const { kind, status, service, name } = readOperation(reader)
  const keys = readList(reader, 1, readText)
  const attributeTypes = reader.text()
  const linkingKeys = readList(reader, 1, readText)
  const resourceCluster = linkingKeys.length === 0 ? '' : reader.text()
  const areLinkingAttributesLeftOut = reader.pos < reader.end && reader.u8() === 1
  checkEnd(reader)
  return {
    kind,
    status,
    service,
    name,
    keys,
    attributeTypes,
    linkingKeys,
    resourceCluster,
    areLinkingAttributesLeftOut,
  }
}

/** @throws PayloadError */
export function readBacklinkHead(
  reader: PayloadReader,
  traceId: string,
  spanId: string,
  { kind, status, service, name }: BacklinkShape,
): BacklinkHead {
  const head = {
    traceId,
    spanId,
    linkingTraceId: reader.hex(16),
    linkingSpanId: reader.hex(8),
    start: reader.u64(),
    duration: reader.i64(),
    ordinal: reader.u32(),
    kind,
    status,
    service,
    name,
  }
  checkEnd(reader)
  return head
}

/** @throws PayloadError */
export function readBacklinkBody(
  reader: PayloadReader,
  { keys, attributeTypes, linkingKeys, areLinkingAttributesLeftOut, resourceCluster }: BacklinkShape,
): BacklinkBody {
  const body = {
    traceState: reader.text(),
    flags: reader.u32(),
    attributes: readValues(reader, keys),
    attributeTypes,
    droppedAttributes: reader.u32(),
    linkingAttributes: readValues(reader, linkingKeys),
    areLinkingAttributesLeftOut,
    resourceCluster,
  }
  checkEnd(reader)
  return body
}
