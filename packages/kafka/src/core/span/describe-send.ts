import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { reportFailure } from '../diagnostics.ts'
import { formatKey } from '../propagation/message-key.ts'
import type { RecordMetadata, SendOperation } from '../telemetry.ts'
import { parseOffset, formatPartition, setServerAttributes } from '../source.ts'
import type { ServerAddress } from '../source.ts'
import type { Tracing } from './tracing.ts'

type Places = readonly (RecordMetadata | undefined)[]

export function getClusterId<M>({ clusterId }: SendOperation<M>): string | undefined {
  return typeof clusterId === 'function' ? clusterId() : clusterId
}

/**
 * The one broker that all records of a send were for; undefined for several, and where that is
 * unknown. Never throws.
 */
export function findCommonLeader<M>(
  { getLeader, messages, format }: SendOperation<M>,
  places: Places,
  partitions?: readonly number[],
): ServerAddress | undefined {
  if (getLeader === undefined) return undefined
  try {
    if (partitions !== undefined && partitions.length > 0) return findSharedLeader(partitions, getLeader)
    if (places.length > 0)
      return findSharedLeader(
        places.map((place) => place?.partition),
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
  leaderOf: (partition: number | undefined) => ServerAddress | undefined,
): ServerAddress | undefined {
  const first = leaderOf(partitions[0])
  if (first === undefined) return undefined
  for (let i = 1; i < partitions.length; i += 1) if (leaderOf(partitions[i]) !== first) return undefined
  return first
}

/**
 * Puts on the Send span where its records are. For recording spans; never throws: the application
 * waits for its result.
 */
export function describeSend<M>(
  tracing: Tracing,
  operation: SendOperation<M>,
  span: Span,
  created: readonly (SpanContext | undefined)[] | undefined,
  places: Places,
  server: ServerAddress | undefined,
): void {
  const { names, options } = tracing
  try {
    const [first] = places
    names.set(span, 'clusterId', getClusterId(operation))
    if (operation.messages.length === 1) names.set(span, 'offset', parseOffset(first?.offset))
    if (places.every((place) => place?.partition === first?.partition)) {
      names.set(span, 'partition', formatPartition(first?.partition))
    }
    names.set(span, 'serverAddress', server?.address)
    names.set(span, 'serverPort', server?.port)
    if (created === undefined) return
    const links = created.flatMap((own, i) =>
      own ? [createLink(tracing, operation, own, i, places[i], server === undefined)] : [],
    )
    span.addLinks(links.slice(0, options.linkCountLimit))
  } catch (error) {
    reportFailure('describe where records were stored', error)
  }
}

/**
 * Attributes that differ between the messages of a batch are the links', those that don't are the
 * span's.
 */
function createLink<M>(
  { names, options }: Tracing,
  operation: SendOperation<M>,
  own: SpanContext,
  i: number,
  place: RecordMetadata | undefined,
  hasOwnServer: boolean,
): Link {
  const attributes: Attributes = {}
  const { key } = operation.format.read(operation.messages[i]!)
  names.put(attributes, 'destination', operation.topic)
  names.put(attributes, 'partition', formatPartition(place?.partition))
  names.put(attributes, 'offset', parseOffset(place?.offset))
  names.put(attributes, 'key', formatKey(key, operation.topic, options.messageKey))
  if (hasOwnServer && place?.partition !== undefined) {
    setServerAttributes(names, attributes, { server: operation.getLeader?.(place.partition) })
  }
  return { context: own, attributes }
}
