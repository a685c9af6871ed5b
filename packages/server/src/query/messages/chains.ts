import type { Message } from '@spanlink/contract'
import { deliveriesOf, originsOf } from './deliveries.ts'
import { consumerOf, type FoundMessages, type ListQuestion, newestFirst } from './list.ts'
import { isConsuming, keyOf, type MessageEnd, messageSpan } from './message-end.ts'
import { redelivered } from './redelivered.ts'
import { sendsTo } from './sends-to.ts'
import { endOf } from './traces-read.ts'
import { DEAD_LETTER_TOPIC, isLaterTopic, RETRY_TOPIC } from './topic-roles.ts'

/** Sends that are followed back for one answer. */
const MAX_CHAINS = 50

/** Dead letters of the time asked for that are counted all. */
const MAX_COUNTED = 10_000

/** Topics that a message can have been on before. */
const MAX_HOPS = 16

/** Messages sent to a dead-letter topic, back to what was sent first and every attempt at it. */
export async function deadLettered(question: ListQuestion): Promise<FoundMessages> {
  const { sends, lookedTo, times } = await sendsTo(DEAD_LETTER_TOPIC, MAX_CHAINS, MAX_COUNTED, question)
  const chains = await followBack(question, sends)
  const messages = chains.map(({ send, produced, attempts, offset }): Message => ({
    ...messageOf(send, produced, attempts, offset),
    deadLetter: messageSpan(send, undefined),
  }))
  if (question.group === undefined) return { messages, lookedTo, times }
  // Who tried is only known of those that were followed back.
  return { messages: messages.filter((message) => isOfGroup(message, question.group)), lookedTo }
}

/** Messages tried again: over a retry topic, or delivered again to a group that had failed with them. */
export async function retried(question: ListQuestion): Promise<FoundMessages> {
  const [{ sends, lookedTo }, again] = await Promise.all([
    sendsTo(RETRY_TOPIC, MAX_CHAINS, MAX_CHAINS, question),
    redelivered(question),
  ])
  const [chains, retries] = await Promise.all([
    followBack(question, sends),
    deliveriesOf(question.store, sends, question.options, question.traces),
  ])
  const messages: Message[] = []
  const told = new Set<string>()
  for (const { send, produced, attempts, offset } of chains) {
    // Of several retry topics that a message was on, the last tells them all.
    const first = keyOf(produced ?? send) + offset
    if (told.has(first)) continue
    told.add(first)
    const taken = retries
      .filter((one) => keyOf(one.producedRef) === keyOf(send))
      .flatMap(({ consumed }) => consumed ?? [])
    const tries = [...attempts, ...taken.map((end) => ({ end, produced: send }))]
    messages.push(messageOf(send, produced, tries, offset))
  }
  const failedBefore = again.messages.filter(({ attempts }) =>
    attempts.slice(0, -1).some((attempt) => attempt.status === 'error'),
  )
  return {
    messages: [...messages, ...failedBefore].filter((message) => isOfGroup(message, question.group)).sort(newestFirst),
    lookedTo: later(lookedTo, again.lookedTo),
  }
}

type Attempt = { readonly end: MessageEnd; readonly produced: MessageEnd | undefined }

type Chain = {
  readonly send: MessageEnd
  /** What was sent first, on a topic that is for no later try. */
  readonly produced: MessageEnd | undefined
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
  readonly offset: string
}

/**
 * From each send to the consumer it was made in, to what that consumer took, to the consumer in which that was sent, and so on, until
 * a topic that is for no later try. All sends take each step together.
 */
async function followBack({ store, traces, options }: ListQuestion, sends: readonly MessageEnd[]): Promise<Chain[]> {
  const chains = sends.map((send) => ({
    send,
    at: send as MessageEnd | undefined,
    produced: undefined as MessageEnd | undefined,
    attempts: [] as Attempt[],
    offset: '',
  }))
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const open = chains.filter((chain) => chain.at !== undefined)
    if (open.length === 0) break
    const consumers = await consumersAround(open.flatMap(({ at }) => at ?? []))
    const origins = await originsOf(store, [...new Set(consumers.values())], options, traces)
    const produced = new Map(
      origins.flatMap((one) => (one.produced ? [[keyOf(one.produced), one.produced] as const] : [])),
    )
    const deliveries = await deliveriesOf(store, [...produced.values()], options, traces)
    for (const chain of open) {
      const consumer = chain.at && consumers.get(keyOf(chain.at))
      chain.at = undefined
      if (consumer === undefined) continue
      const taken = origins.filter((one) => keyOf(one.consumedRef) === keyOf(consumer) && one.produced !== undefined)
      const [origin, ...others] = taken
      // A batch doesn't tell which of its messages was sent on.
      if (origin?.produced === undefined || others.length > 0) {
        chain.attempts.unshift({ end: consumer, produced: undefined })
        continue
      }
      const { produced, offset } = origin
      const tries = deliveries
        .filter(
          (one) =>
            keyOf(one.producedRef) === keyOf(produced) && (offset === '' || one.offset === '' || one.offset === offset),
        )
        .flatMap(({ consumed }) => consumed ?? [])
        .filter((end) => end.operation === consumer.operation && consumerOf(end) === consumerOf(consumer))
        .filter((end) => end.start <= consumer.start)
        .sort((a, b) => (a.start < b.start ? -1 : 1))
      const distinct = [...new Map([...tries, consumer].map((end) => [keyOf(end), end])).values()]
      chain.attempts.unshift(...distinct.map((end) => ({ end, produced })))
      chain.offset = offset
      chain.produced = produced
      if (isLaterTopic(produced.topic)) chain.at = produced
    }
  }
  return chains

  /** The consuming span that each span is under, by the span's key. */
  async function consumersAround(ends: readonly MessageEnd[]): Promise<ReadonlyMap<string, MessageEnd>> {
    const rows = await traces.spansOf(ends.map((end) => end.traceId))
    const byKey = new Map(rows.map((row) => [keyOf(row), row]))
    const found = new Map<string, MessageEnd>()
    for (const end of ends) {
      const seen = new Set<string>()
      for (let at = byKey.get(keyOf(end)); at !== undefined && !seen.has(at.spanId);) {
        seen.add(at.spanId)
        if (isConsuming(at)) {
          found.set(keyOf(end), endOf(at))
          break
        }
        at = byKey.get(at.traceId + at.parentSpanId)
      }
    }
    return found
  }
}

function messageOf(
  send: MessageEnd,
  produced: MessageEnd | undefined,
  attempts: readonly Attempt[],
  offset: string,
): Message {
  const last = attempts.at(-1)?.end
  const [first] = attempts
  const origin = produced ?? send
  return {
    traceId: send.traceId,
    spanId: send.spanId,
    cluster: '',
    topic: origin.topic,
    partition: first?.end.partition || origin.partition,
    offset: first?.end.offset || offset || origin.offset,
    key: '',
    consumerGroup: last?.group ?? '',
    timeUnixNano: String(send.start),
    waitNano: String((last ?? send).end - (produced ?? first?.end ?? send).start),
    produced: produced === undefined ? null : messageSpan(produced, undefined),
    attempts: attempts.map(({ end, produced: from }) => messageSpan(end, from)),
  }
}

function isOfGroup({ attempts }: Message, group: string | undefined): boolean {
  return group === undefined || attempts.some((attempt) => attempt.consumerGroup === group)
}

/** Both lists are whole down to the later of the places that they were looked at to. */
function later(a: FoundMessages['lookedTo'], b: FoundMessages['lookedTo']): FoundMessages['lookedTo'] {
  if (a === undefined || b === undefined) return a ?? b
  return a.time > b.time ? a : b
}
