import type { Message } from '@spanlink/api-schema'
import { type Attempt, type Chain, followBack } from '../retries/retry-chains.ts'
import { comparePlaces, consumerOf, type FoundMessages, type ListQuestion, newestFirst } from '../message-list.ts'
import { type MessageEnd, messageSpan } from '../endpoints/message-endpoint.ts'
import { deliveryEnds, redelivered } from './redelivered.ts'
import { sendsTo } from '../retries/find-sends.ts'
import { withLaterRetries } from '../retries/superseded.ts'
import { DEAD_LETTER_TOPIC, RETRY_TOPIC } from '../retries/topic-roles.ts'

/** Sends that are followed back for one answer. */
const MAX_CHAINS = 50

/** Dead letters of the time asked for that are counted all. */
const MAX_COUNTED = 10_000

/** Messages sent to a dead-letter topic, back to what was sent first and every attempt at it. */
export async function deadLettered(question: ListQuestion): Promise<FoundMessages> {
  const { sends, lookedTo, times } = await sendsTo(DEAD_LETTER_TOPIC, MAX_CHAINS, MAX_COUNTED, question)
  const chains = await followBack(question, sends)
  const messages = chains.map(({ send, producer, attempts, record }): Message => ({
    ...messageOf(send, producer, attempts, record),
    deadLetter: messageSpan(send, undefined),
  }))
  if (question.group === undefined) return { messages, lookedTo, times }
  // Who tried is only known of those that were followed back.
  return { messages: messages.filter((message) => isOfGroup(message, question.group)), lookedTo }
}

/**
 * Messages tried again: over a retry topic, or delivered again to a group that had failed with
 * them. Of several retry topics that a message was on for one consumer, the last send lists them
 * all.
 */
export async function retried(question: ListQuestion): Promise<FoundMessages> {
  const [{ sends, lookedTo }, again] = await Promise.all([
    sendsTo(RETRY_TOPIC, MAX_CHAINS, MAX_CHAINS, question),
    redelivered(question),
  ])
  const chains = await withLaterRetries(question, await followBack(question, sends))
  const messages = chains
    .filter(({ isSuperseded }) => !isSuperseded)
    .map(({ send, producer, attempts, taken, record }) => {
      const last = [...Map.groupBy(taken, consumerOf).values()].flatMap((ends) => deliveryEnds(ends, new Map()))
      const sorted = last.toSorted((a, b) => (a.start < b.start ? -1 : 1))
      return messageOf(send, producer, [...attempts, ...sorted.map((end) => ({ end, producer: send }))], record)
    })
  const failedBefore = again.messages.filter(({ attempts }) =>
    attempts.slice(0, -1).some((attempt) => attempt.status === 'error'),
  )
  return {
    messages: [...messages, ...failedBefore].filter((message) => isOfGroup(message, question.group)).sort(newestFirst),
    lookedTo: later(lookedTo, again.lookedTo),
  }
}

function messageOf(
  send: MessageEnd,
  producer: MessageEnd | undefined,
  attempts: readonly Attempt[],
  { offset, cluster, key }: Chain['record'],
): Message {
  const last = attempts.at(-1)?.end
  const [first] = attempts
  const origin = producer ?? send
  return {
    traceId: send.traceId,
    spanId: send.spanId,
    cluster,
    topic: origin.topic,
    partition: first?.end.partition || origin.partition,
    offset: first?.end.offset || offset || origin.offset,
    key,
    consumerGroup: last?.group ?? '',
    timeUnixNano: String(send.start),
    waitNano: String((last ?? send).end - (producer ?? first?.end ?? send).start),
    producer: producer === undefined ? null : messageSpan(producer, undefined),
    attempts: attempts.map(({ end, producer: from }) => messageSpan(end, from)),
  }
}

function isOfGroup({ attempts }: Message, group: string | undefined): boolean {
  return group === undefined || attempts.some((attempt) => attempt.consumerGroup === group)
}

/** Both lists are whole down to the later of the places that they were looked at to. */
function later(a: FoundMessages['lookedTo'], b: FoundMessages['lookedTo']): FoundMessages['lookedTo'] {
  if (a === undefined || b === undefined) return a ?? b
  return comparePlaces(a, b) < 0 ? a : b
}
