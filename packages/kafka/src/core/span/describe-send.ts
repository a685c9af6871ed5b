import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { reportFailure } from '../diagnostics.ts'
import { formatKey } from '../propagation/message-key.ts'
import type { RecordMetadata, SendOperation } from '../telemetry.ts'
import { parseOffset, formatPartition, setServerAttributes, type ServerAddress } from '../source.ts'
import type { Tracing } from './tracing.ts'

type Records = readonly (RecordMetadata | undefined)[]

export function getClusterId<M>({ clusterId }: SendOperation<M>): string | undefined {
  return typeof clusterId === 'function' ? clusterId() : clusterId
}

/** Returns the broker that led all records of a send; undefined for several. Never throws. */
export function findCommonLeader<M>(
  { getLeader, messages, format }: SendOperation<M>,
  records: Records,
  partitions?: readonly number[],
): ServerAddress | undefined {
  if (getLeader === undefined) return undefined
  try {
    if (partitions !== undefined && partitions.length > 0) return findSharedLeader(partitions, getLeader)
    if (records.length > 0)
      return findSharedLeader(
        records.map((record) => record?.partition),
        getLeader,
      )
    return getLeader(messages.length === 1 ? (format.read(messages[0]!).partition ?? undefined) : undefined)
  } catch (error) {
    reportFailure('find the broker of a send', error)
    return undefined
  }
}

function findSharedLeader(
  partitions: readonly (number | undefined)[],
  getLeader: (partition: number | undefined) => ServerAddress | undefined,
): ServerAddress | undefined {
  const first = getLeader(partitions[0])
  if (first === undefined) return undefined
  for (let i = 1; i < partitions.length; i += 1) if (getLeader(partitions[i]) !== first) return undefined
  return first
}

/** Adds partition, offset, broker and links to a recording Send span. Never throws. */
export function describeSend<M>(
  tracing: Tracing,
  operation: SendOperation<M>,
  span: Span,
  created: readonly (SpanContext | undefined)[] | undefined,
  records: Records,
  server: ServerAddress | undefined,
): void {
  const { names, options } = tracing
  try {
    const [first] = records
    names.set(span, 'clusterId', getClusterId(operation))
    if (operation.messages.length === 1) names.set(span, 'offset', parseOffset(first?.offset))
    if (records.every((record) => record?.partition === first?.partition)) {
      names.set(span, 'partition', formatPartition(first?.partition))
    }
    names.set(span, 'serverAddress', server?.address)
    names.set(span, 'serverPort', server?.port)
    if (created === undefined) return
    const links = created.flatMap((own, i) =>
      own ? [createLink(tracing, operation, own, i, records[i], server === undefined)] : [],
    )
    span.addLinks(links.slice(0, options.linkCountLimit))
  } catch (error) {
    reportFailure('record partitions and offsets of sent records', error)
  }
}

/** Attributes that differ between messages belong to the link, others to the span. */
function createLink<M>(
  { names, options }: Tracing,
  operation: SendOperation<M>,
  own: SpanContext,
  i: number,
  record: RecordMetadata | undefined,
  hasOwnServer: boolean,
): Link {
  const attributes: Attributes = {}
  const { key } = operation.format.read(operation.messages[i]!)
  names.put(attributes, 'destination', operation.topic)
  names.put(attributes, 'partition', formatPartition(record?.partition))
  names.put(attributes, 'offset', parseOffset(record?.offset))
  names.put(attributes, 'key', formatKey(key, operation.topic, options.messageKey))
  if (hasOwnServer && record?.partition !== undefined) {
    setServerAttributes(names, attributes, { server: operation.getLeader?.(record.partition) })
  }
  return { context: own, attributes }
}
