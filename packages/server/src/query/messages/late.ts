import type { Message } from '@spanlink/contract'
import { queueTime } from '../linked-span.ts'
import { deliveriesOf, oneByOne, originsOf } from './deliveries.ts'
import { asked, consumerOf, type FoundMessages, type ListQuestion, MAX_LOOKED, newestFirst } from './list.ts'
import { keyOf, type MessageEnd, messageSpan, newestEnds } from './message-end.ts'

const DEFAULT_AFTER = 10_000_000_000n

/** Messages that waited too long before a consumer first took them. */
export async function late(question: ListQuestion): Promise<FoundMessages> {
  const { store, window, after = DEFAULT_AFTER, before, options } = question
  const condition = asked(`messaging_operation in ('receive', 'process')`, question)
  const { ends: consumers, lookedTo } = await newestEnds(store, window, condition, before, MAX_LOOKED, options)
  const first = new Map<string, { readonly start: bigint; readonly produced: MessageEnd; readonly message: Message }>()
  for (const { produced, consumed, topic, partition, offset, cluster, key: messageKey } of await originsOf(
    store,
    consumers,
    options,
  )) {
    if (produced === undefined || consumed === undefined) continue
    const key = [keyOf(produced), partition, offset, consumerOf(consumed)].join(' ')
    const known = first.get(key)
    // `receive` and `process` of one message: it waited until the first of them.
    if (known !== undefined && known.start <= consumed.start) continue
    first.set(key, {
      start: consumed.start,
      produced,
      message: {
        traceId: consumed.traceId,
        spanId: consumed.spanId,
        cluster,
        topic,
        partition,
        offset,
        key: messageKey,
        consumerGroup: consumed.group,
        timeUnixNano: String(consumed.start),
        waitNano: String(queueTime(produced, consumed)),
        produced: messageSpan(produced, undefined),
        attempts: [messageSpan(consumed, produced)],
      },
    })
  }
  const waited = [...first].filter(([, { message }]) => BigInt(message.waitNano) > after)
  // What was taken again late may have been taken in time before, by a span that is not among the newest.
  const producers = new Map(waited.map(([, { produced }]) => [keyOf(produced), produced]))
  const earlier = new Map<string, bigint>()
  for (const one of await deliveriesOf(store, [...producers.values()], options, oneByOne(store, options, consumers))) {
    if (one.consumed === undefined) continue
    const key = [keyOf(one.producedRef), one.partition, one.offset, consumerOf(one.consumed)].join(' ')
    const known = earlier.get(key)
    if (known === undefined || one.consumed.start < known) earlier.set(key, one.consumed.start)
  }
  const messages = waited
    .filter(([key, { start }]) => (earlier.get(key) ?? start) >= start)
    .map(([, { message }]) => message)
    .sort(newestFirst)
  return { messages, lookedTo }
}
