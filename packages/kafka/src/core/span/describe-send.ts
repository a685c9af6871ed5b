import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api'
import { reportFailure } from '../diagnostics.ts'
import { keyText } from '../propagation/message-key.ts'
import type { RecordPlace, SendOperation } from '../send.ts'
import { offsetNumber, partitionId, putPlace } from '../source.ts'
import type { ServerAddress } from '../source.ts'
import type { Tracing } from './tracing.ts'

type Places = readonly (RecordPlace | undefined)[]

export function clusterOf<M>({ clusterId }: SendOperation<M>): string | undefined {
  return typeof clusterId === 'function' ? clusterId() : clusterId
}

/**
 * The one broker that all records of a send were for; undefined for several, and where that is
 * unknown. Never throws.
 */
export function commonLeader<M>(
  { leaderOf, messages, format }: SendOperation<M>,
  places: Places,
  partitions?: readonly number[],
): ServerAddress | undefined {
  if (leaderOf === undefined) return undefined
  try {
    if (partitions !== undefined && partitions.length > 0) return sameLeader(partitions, leaderOf)
    if (places.length > 0)
      return sameLeader(
        places.map((place) => place?.partition),
        leaderOf,
      )
    return leaderOf(messages.length === 1 ? (format.read(messages[0]!).partition ?? undefined) : undefined)
  } catch (error) {
    reportFailure('find the broker of a send', error)
    return undefined
  }
}

function sameLeader(
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
export function describePlaces<M>(
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
    names.set(span, 'clusterId', clusterOf(operation))
    if (operation.messages.length === 1) names.set(span, 'offset', offsetNumber(first?.offset))
    if (places.every((place) => place?.partition === first?.partition)) {
      names.set(span, 'partition', partitionId(first?.partition))
    }
    names.set(span, 'serverAddress', server?.address)
    names.set(span, 'serverPort', server?.port)
    if (created === undefined) return
    const links = created.flatMap((own, i) =>
      own ? [createLink(tracing, operation, own, i, places[i], server === undefined)] : [],
    )
    span.addLinks(links.slice(0, options.linkLimit))
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
  place: RecordPlace | undefined,
  hasOwnServer: boolean,
): Link {
  const attributes: Attributes = {}
  const { key } = operation.format.read(operation.messages[i]!)
  names.put(attributes, 'destination', operation.topic)
  names.put(attributes, 'partition', partitionId(place?.partition))
  names.put(attributes, 'offset', offsetNumber(place?.offset))
  names.put(attributes, 'key', keyText(key, operation.topic, options.messageKey))
  if (hasOwnServer && place?.partition !== undefined) {
    putPlace(names, attributes, { server: operation.leaderOf?.(place.partition) })
  }
  return { context: own, attributes }
}
