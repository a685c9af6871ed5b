import type { Message, MessageList, MessagesAnswer, MessagesQuery } from '@spanlink/contract'
import type { QueryOptions, Store } from '../../store/store.ts'
import { BadParameter } from '../bad-parameter.ts'
import { timeWindow, type TimeWindow } from '../messaging/time-window.ts'
import { parseDuration, parseUnixNano } from '../time-parameters.ts'
import { withErrors } from './attempt-errors.ts'
import { deadLettered, retried } from './chains.ts'
import { late } from './late.ts'
import { type FoundMessages, isDownTo, type ListQuestion } from './list.ts'
import type { Place } from './message-end.ts'
import { redelivered } from './redelivered.ts'
import { tracesRead } from './traces-read.ts'
import { unconsumed } from './unconsumed.ts'

const lists: Readonly<Record<MessageList, (question: ListQuestion) => Promise<FoundMessages>>> = {
  unconsumed,
  late,
  redelivered,
  retried,
  'dead-lettered': deadLettered,
}

/** What only links can tell of messages: newest first, and how many over time. */
export async function findMessages(
  store: Store,
  list: MessageList,
  query: MessagesQuery,
  options: QueryOptions,
): Promise<MessagesAnswer> {
  const { topic, group, limit = 50 } = query
  const window = timeWindow(query)
  const after = query.after === undefined ? undefined : parseDuration('after', query.after)
  const before = parseCursor(query.cursor)
  const traces = tracesRead(store, options)
  const found = await inSteps(lists[list], { store, window, topic, group, after, before, traces, options }, limit)
  const page = found.messages.slice(0, limit)
  const last = page.at(-1)
  const next = found.messages.length > limit && last !== undefined ? placeOf(last) : found.lookedTo
  const times = found.times ?? found.messages.map((message) => BigInt(message.timeUnixNano))
  const isCut = found.times === undefined && found.lookedTo !== undefined
  const { counts, step } = countsOf(times, window)
  return {
    list,
    startTimeUnixNano: String(window.start),
    endTimeUnixNano: String(window.end),
    messages: await withErrors(store, page, traces, options),
    counts,
    stepNano: String(step),
    total: times.length,
    truncated: isCut,
    countedFromUnixNano: String(isCut ? found.lookedTo.time + 1n : window.start),
    ...(next === undefined ? {} : { nextCursor: `${next.time}.${next.traceId}.${next.spanId}` }),
  }
}

/** A list goes on for so long, if its first step leaves time, and for so many steps. */
const GO_ON_MS = 250
const MAX_STEPS = 6

/** Step by step from the newest, so that a list answers soon over much and looks at thousands of spans over little. */
async function inSteps(
  list: (typeof lists)[MessageList],
  question: ListQuestion,
  limit: number,
): Promise<FoundMessages> {
  const giveUp = performance.now() + GO_ON_MS
  const messages: Message[] = []
  let before = question.before
  for (let step = 1; ; step++) {
    const found = await list({ ...question, before })
    const { lookedTo, times } = found
    // What is after the place is what the next step finds.
    messages.push(...found.messages.filter((message) => lookedTo === undefined || isDownTo(lookedTo, message)))
    // Further ones would only be counted.
    const isEnough = times !== undefined && messages.length >= limit
    if (lookedTo === undefined || isEnough || step === MAX_STEPS || performance.now() > giveUp) {
      return { messages, lookedTo, times }
    }
    before = lookedTo
  }
}

const SECOND = 1_000_000_000n

/** Steps that people read well, in seconds. */
const STEPS = [1n, 5n, 10n, 30n, 60n, 300n, 600n, 1_800n, 3_600n, 21_600n, 86_400n, 604_800n]

const MAX_BUCKETS = 60n

function countsOf(
  times: readonly bigint[],
  { start, end }: TimeWindow,
): { readonly counts: MessagesAnswer['counts']; readonly step: bigint } {
  const length = end - start
  const fits = (step: bigint): boolean => length <= step * SECOND * MAX_BUCKETS
  const step = (STEPS.find(fits) ?? length / SECOND / MAX_BUCKETS + 1n) * SECOND
  const buckets = Array.from({ length: Number((length + step - 1n) / step) }, () => 0)
  for (const time of times) {
    const index = Number((time - start) / step)
    buckets[index] = (buckets[index] ?? 0) + 1
  }
  return {
    counts: buckets.map((count, index) => ({ startTimeUnixNano: String(start + step * BigInt(index)), count })),
    step,
  }
}

function placeOf({ timeUnixNano, traceId, spanId }: Message): Place {
  return { time: BigInt(timeUnixNano), traceId, spanId }
}

function parseCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const [, time, traceId, spanId] = /^([0-9]{1,20})\.([0-9a-f]{32})\.([0-9a-f]{16})$/.exec(cursor) ?? []
  if (time === undefined || traceId === undefined || spanId === undefined) {
    throw new BadParameter('cursor', 'cursor is not one that an earlier answer gave.')
  }
  return { time: parseUnixNano('cursor', time), traceId, spanId }
}
