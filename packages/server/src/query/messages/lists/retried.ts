import type { Message } from '@spanlink/api-schema'
import { type RetryChain, buildRetryChains, listTopics } from '../retries/retry-chains.ts'
import {
  toConsumerId,
  type FoundMessages,
  type MessageListReader,
  type MessageListRequest,
  compareNewestFirst,
} from '../message-list.ts'
import { type Attempt, comparePositions, toMessage, toMessageSpan } from '../messaging-spans/messaging-span.ts'
import { selectAttempts, createRepeatedList } from './redelivered.ts'
import { createSendsReader } from '../retries/find-sends.ts'
import { markSuperseded } from '../retries/superseded.ts'
import { DEAD_LETTER_TOPIC_PATTERN, RETRY_TOPIC_PATTERN } from '../retries/topic-roles.ts'

/** Up to this many sends to retry topics in the window, one statement reads all. */
const MAX_RETRIES = 50

/** Up to this many dead letters in the window, the total is exact. */
const MAX_COUNTED = 10_000

/** Finds messages sent to a dead-letter topic, with the first send and every attempt. */
export function createDeadLetteredList(request: MessageListRequest): MessageListReader {
  const readSends = createSendsReader(request, DEAD_LETTER_TOPIC_PATTERN, MAX_COUNTED)
  return async (step) => {
    const { sends, scannedUntil, times } = await readSends(step)
    const chains = await buildRetryChains(request.lookup, sends)
    const messages = chains
      .filter((chain) => isOfTopic(chain, request.topic))
      .map((chain): Message => ({
        ...toRetriedMessage(chain, chain.attempts),
        deadLetter: toMessageSpan(chain.send, undefined),
      }))
      .filter((message) => hasGroup(message, request.group))
    // Topics and groups are known only for the sends that were traced back.
    const isFiltered = request.topic !== undefined || request.group !== undefined
    return { messages, scannedUntil, times: isFiltered ? undefined : times }
  }
}

/**
 * Finds retried messages: sent to a retry topic, or consumed again, in place or redelivered, by a
 * group that had failed. A message that one consumer sent to several retry topics is listed once,
 * at the last send.
 */
export function createRetriedList(request: MessageListRequest): MessageListReader {
  const readSends = createSendsReader(request, RETRY_TOPIC_PATTERN, MAX_RETRIES)
  const findRepeated = createRepeatedList(request)
  return async (step) => {
    const repeating = findRepeated(step)
    // The list is complete only back to the later of the two positions.
    const reading = readSends(
      step,
      repeating.then((again) => again.scannedUntil),
    )
    const [again, { sends, scannedUntil }] = await Promise.all([repeating, reading])
    const chains = await markSuperseded(request, await buildRetryChains(request.lookup, sends))
    const messages = chains
      .filter((chain) => !chain.isSuperseded && isOfTopic(chain, request.topic))
      .map((chain) => {
        const { send, attempts, sendConsumers } = chain
        const last = [...Map.groupBy(sendConsumers, toConsumerId).values()].flatMap((spans) =>
          selectAttempts(spans, new Map()),
        )
        const sorted = last.toSorted((a, b) => (a.start < b.start ? -1 : 1))
        return toRetriedMessage(chain, [...attempts, ...sorted.map((consumer) => ({ consumer, producer: send }))])
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
}

function toRetriedMessage({ send, producer, record }: RetryChain, attempts: readonly Attempt[]): Message {
  const last = attempts.at(-1)?.consumer
  const waitNano = (last ?? send).end - (producer ?? attempts[0]?.consumer ?? send).start
  return toMessage(send, record, { group: last?.group ?? '', waitNano, producer, attempts })
}

function isOfTopic(chain: RetryChain, topic: string | undefined): boolean {
  return topic === undefined || listTopics(chain).has(topic)
}

function hasGroup({ attempts }: Message, group: string | undefined): boolean {
  return group === undefined || attempts.some((attempt) => attempt.consumerGroup === group)
}

function selectLater(
  a: FoundMessages['scannedUntil'],
  b: FoundMessages['scannedUntil'],
): FoundMessages['scannedUntil'] {
  if (a === undefined || b === undefined) return a ?? b
  return comparePositions(a, b) < 0 ? a : b
}
