import { deliveriesOf, originsOf } from '../deliveries/find-deliveries.ts'
import type { Delivery } from '../deliveries/delivery.ts'
import { withHandovers } from '../deliveries/processing-spans.ts'
import { consumerOf, type ListQuestion } from '../message-list.ts'
import { isConsuming, keepInnermost, keyOf, type MessageEnd } from '../endpoints/message-endpoint.ts'
import { bySide } from '../endpoints/shared-ids.ts'
import { isLaterTopic } from './topic-roles.ts'
import { endOf } from './trace-cache.ts'

/** Topics that a message can have been on before. */
const MAX_HOPS = 16

export type Attempt = { readonly end: MessageEnd; readonly producer: MessageEnd | undefined }

export type Chain = {
  readonly send: MessageEnd
  /** What was sent first, on a topic that is for no later try. */
  readonly producer: MessageEnd | undefined
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
  /** All deliveries to the consumers of the attempts, later ones too. */
  readonly consumers: readonly MessageEnd[]
  /** Of the first message. */
  readonly record: Pick<Delivery, 'offset' | 'cluster' | 'key'>
}

/**
 * From each send to the consumer it was made in, to what that consumer took, to the consumer in
 * which that was sent, and so on, until a topic that is for no later try. All sends take each step
 * together.
 */
export async function followBack(
  { store, traces, options }: Pick<ListQuestion, 'store' | 'traces' | 'options'>,
  sends: readonly MessageEnd[],
): Promise<Chain[]> {
  const chains = sends.map((send) => ({
    send,
    at: send as MessageEnd | undefined,
    producer: undefined as MessageEnd | undefined,
    attempts: [] as Attempt[],
    consumers: [] as MessageEnd[],
    record: { offset: '', cluster: '', key: '' } as Chain['record'],
  }))
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const open = chains.flatMap((chain) => (chain.at === undefined ? [] : [{ chain, sent: chain.at }]))
    if (open.length === 0) break
    const around = await consumersAround(
      traces,
      open.map(({ sent }) => sent),
    )
    const origins = await originsOf(store, [...around.values()], options, traces)
    const producers = new Map(
      origins.flatMap((one) => (one.producer ? [[keyOf(one.producer), one.producer] as const] : [])),
    )
    const received = await deliveriesOf(store, [...producers.values()], options, traces)
    const deliveries = await withHandovers(store, received, options, traces)
    for (const { chain, sent } of open) {
      const consumer = around.get(keyOf(sent))
      chain.at = undefined
      if (consumer === undefined) continue
      const taken = origins.filter((one) => keyOf(one.consumedRef) === keyOf(consumer) && one.producer !== undefined)
      const [origin, ...others] = taken
      // A batch doesn't tell which of its messages was sent on.
      if (origin?.producer === undefined || others.length > 0) {
        chain.attempts.unshift({ end: consumer, producer: undefined })
        continue
      }
      const { producer } = origin
      const { attempts, all } = attemptsBefore(sent, origin.consumed ?? consumer, origin, deliveries)
      chain.attempts.unshift(...attempts.map((end) => ({ end, producer })))
      chain.consumers.push(...all)
      chain.record = origin
      chain.producer = producer
      if (isLaterTopic(producer.topic)) chain.at = producer
    }
  }
  return chains
}

/**
 * The attempts of one consumer at a message until it sent that on, and all its deliveries of it.
 */
function attemptsBefore(
  sent: MessageEnd,
  around: MessageEnd,
  { producerRef, offset }: Delivery,
  deliveries: readonly Delivery[],
): { readonly attempts: readonly MessageEnd[]; readonly all: readonly MessageEnd[] } {
  const same = deliveries
    .filter((one) => keyOf(one.producerRef) === keyOf(producerRef))
    .filter((one) => offset === '' || one.offset === '' || one.offset === offset)
    .flatMap(({ consumed }) => consumed ?? [])
    .filter((end) => consumerOf(end) === consumerOf(around))
    .sort((a, b) => (a.start < b.start ? -1 : 1))
  // kotel parents a record that is sent on as it came to its `receive` span: the attempt is the
  // `process` span beside it.
  const beside = same.findLast((end) => end.operation === 'process' && end.start <= sent.start)
  const last = around.operation === 'receive' ? (beside ?? around) : around
  const tries = keepInnermost(same.filter((end) => end.operation === last.operation && end.start <= last.start))
  const distinct = (ends: readonly MessageEnd[]): MessageEnd[] => [
    ...new Map(ends.map((end) => [keyOf(end), end])).values(),
  ]
  return { attempts: distinct([...tries, last]), all: distinct([...same, around]) }
}

/** The consuming span that each span is under, by the span's key. */
export async function consumersAround(
  traces: ListQuestion['traces'],
  ends: readonly MessageEnd[],
): Promise<ReadonlyMap<string, MessageEnd>> {
  const rows = await traces.spansOf(ends.map((end) => end.traceId))
  const [sends, parents] = [bySide(rows, 'producer'), bySide(rows, 'consumer')]
  const found = new Map<string, MessageEnd>()
  for (const end of ends) {
    const seen = new Set<string>()
    for (let at = sends.get(keyOf(end)); at !== undefined && !seen.has(at.spanId);) {
      seen.add(at.spanId)
      if (isConsuming(at)) {
        found.set(keyOf(end), endOf(at))
        break
      }
      at = parents.get(at.traceId + at.parentSpanId)
    }
  }
  return found
}
