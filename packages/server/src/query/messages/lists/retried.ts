import type { Message } from '@spanlink/api-schema'
import { type Attempt, type RetryChain, buildRetryChains } from '../retries/retry-chains.ts'
import {
  comparePositions,
  toConsumerId,
  type FoundMessages,
  type MessageListRequest,
  compareNewestFirst,
} from '../message-list.ts'
import { type MessagingSpan, toMessageSpan } from '../messaging-spans/messaging-span.ts'
import { selectAttempts, findRepeated } from './redelivered.ts'
import { findSends } from '../retries/find-sends.ts'
import { markSuperseded } from '../retries/superseded.ts'
import { DEAD_LETTER_TOPIC_PATTERN, RETRY_TOPIC_PATTERN } from '../retries/topic-roles.ts'

/** Sends traced back per request. */
const MAX_CHAINS = 50

/** Up to this many dead letters in the window, the total is exact. */
const MAX_COUNTED = 10_000

/** Finds messages sent to a dead-letter topic, with the first send and every attempt. */
export async function findDeadLettered(request: MessageListRequest): Promise<FoundMessages> {
  const { sends, scannedUntil, times } = await findSends(DEAD_LETTER_TOPIC_PATTERN, MAX_CHAINS, MAX_COUNTED, request)
  const chains = await buildRetryChains(request, sends)
  const messages = chains.map(({ send, producer, attempts, record }): Message => ({
    ...toMessage(send, producer, attempts, record),
    deadLetter: toMessageSpan(send, undefined),
  }))
  if (request.group === undefined) return { messages, scannedUntil, times }
  // Consumer groups are known only for the sends that were traced back.
  return { messages: messages.filter((message) => hasGroup(message, request.group)), scannedUntil }
}

/**
 * Finds retried messages: sent to a retry topic, or consumed again, in place or redelivered, by a
 * group that had failed. A
 * message that one consumer sent to several retry topics is listed once, at the last send.
 */
export async function findRetried(request: MessageListRequest): Promise<FoundMessages> {
  const [{ sends, scannedUntil }, again] = await Promise.all([
    findSends(RETRY_TOPIC_PATTERN, MAX_CHAINS, MAX_CHAINS, request),
    findRepeated(request),
  ])
  const chains = await markSuperseded(request, await buildRetryChains(request, sends))
  const messages = chains
    .filter(({ isSuperseded }) => !isSuperseded)
    .map(({ send, producer, attempts, taken, record }) => {
      const last = [...Map.groupBy(taken, toConsumerId).values()].flatMap((ends) => selectAttempts(ends, new Map()))
      const sorted = last.toSorted((a, b) => (a.start < b.start ? -1 : 1))
      return toMessage(send, producer, [...attempts, ...sorted.map((end) => ({ end, producer: send }))], record)
    })
  const failedBefore = again.repeated
    .map(({ message }) => message)
    .filter(({ attempts }) => attempts.slice(0, -1).some((attempt) => attempt.status === 'error'))
  return {
    messages: [...messages, ...failedBefore]
      .filter((message) => hasGroup(message, request.group))
      .sort(compareNewestFirst),
    scannedUntil: selectLater(scannedUntil, again.scannedUntil),
  }
}

function toMessage(
  send: MessagingSpan,
  producer: MessagingSpan | undefined,
  attempts: readonly Attempt[],
  { offset, cluster, key }: RetryChain['record'],
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
    producer: producer === undefined ? null : toMessageSpan(producer, undefined),
    attempts: attempts.map(({ end, producer: from }) => toMessageSpan(end, from)),
  }
}

function hasGroup({ attempts }: Message, group: string | undefined): boolean {
  return group === undefined || attempts.some((attempt) => attempt.consumerGroup === group)
}

/** Both lists are complete only back to the later of their two positions. */
function selectLater(
  a: FoundMessages['scannedUntil'],
  b: FoundMessages['scannedUntil'],
): FoundMessages['scannedUntil'] {
  if (a === undefined || b === undefined) return a ?? b
  return comparePositions(a, b) < 0 ? a : b
}
