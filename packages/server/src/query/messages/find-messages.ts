import type { Message, MessageList, MessagesResponse, MessagesQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { createCursorCodec } from '../sql/cursor.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'
import { parseTimeWindow, type TimeWindow } from '../sql/time-window.ts'
import { parseDuration } from '../sql/time-parameters.ts'
import { addErrors } from './retries/attempt-errors.ts'
import { createDeadLetteredList, createRetriedList } from './lists/retried.ts'
import { createLateList } from './lists/late.ts'
import {
  type FoundMessages,
  isAtOrBefore,
  type MessageListReader,
  type MessageListRequest,
  toListPosition,
} from './message-list.ts'
import { comparePositions, type ListPosition, type StartPosition } from './messaging-spans/messaging-span.ts'
import { createSpanLookup } from './messaging-spans/span-lookup.ts'
import { createRedeliveredList } from './lists/redelivered.ts'
import { addRecords } from './span-records.ts'
import { createUnconsumedList } from './lists/unconsumed.ts'

const lists: Readonly<Record<MessageList, (request: MessageListRequest) => MessageListReader>> = {
  unconsumed: createUnconsumedList,
  late: createLateList,
  redelivered: createRedeliveredList,
  retried: createRetriedList,
  'dead-lettered': createDeadLetteredList,
}

/** Finds messages of one list, newest first, and their counts over time. */
export async function findMessages(
  store: Store,
  list: MessageList,
  query: MessagesQuery,
  options: QueryOptions,
): Promise<MessagesResponse> {
  const { topic, consumerGroup: group, limit = 50, neverConsumed = false } = query
  const reject = (name: string, expected: string): never => {
    throw new InvalidParameterError(name, `invalid ${name}: expected ${expected}`)
  }
  if (neverConsumed && list !== 'unconsumed') reject('neverConsumed', 'only for unconsumed messages')
  if (neverConsumed && group !== undefined) {
    reject('neverConsumed', 'without consumerGroup, because it excludes every group')
  }
  if (query.minQueueTime !== undefined && list !== 'unconsumed' && list !== 'late') {
    reject('minQueueTime', 'only for unconsumed and late messages')
  }
  const window = parseTimeWindow(query)
  const minQueueTime = query.minQueueTime === undefined ? undefined : parseDuration('minQueueTime', query.minQueueTime)
  const cursor = query.cursor === undefined ? undefined : messageCursor.decode(query.cursor)
  const before = cursor && { ...cursor, isInclusive: cursor.given > 0 }
  const lookup = createSpanLookup({ store, options })
  const readList = lists[list]({ store, window, topic, group, neverConsumed, minQueueTime, lookup, options })
  const found = await readInSteps(readList, before, limit + (cursor?.given ?? 0))
  const messages = found.messages.slice(cursor?.given ?? 0)
  const page = messages.slice(0, limit)
  const nextCursor = encodeNextCursor(page, messages[limit], cursor, found.scannedUntil)
  const times = found.times ?? messages.map((message) => BigInt(message.timeUnixNano))
  const complete = found.times !== undefined || found.scannedUntil === undefined
  const { counts, step } = countOverTime(times, window)
  const newest = found.searchedEnd ?? window.end
  const end = found.times === undefined && cursor !== undefined ? cursor.time + 1n : newest
  return {
    list,
    startTimeUnixNano: String(window.start),
    endTimeUnixNano: String(window.end),
    messages: await addRecords(lookup, await addErrors(lookup, page)),
    counts,
    stepNano: String(step),
    total: times.length,
    searched: {
      start: String(complete || found.scannedUntil === undefined ? window.start : found.scannedUntil.time + 1n),
      end: String(end < newest ? end : newest),
    },
    complete,
    ...(nextCursor === undefined ? {} : { nextCursor }),
  }
}

/**
 * Steps until a page is full: few spans first, which are enough if most are listed. Not limited by
 * time: equal requests get equal pages.
 */
const STEPS = [
  { maxSpans: 100, maxChains: 50 },
  { maxSpans: 400, maxChains: 50 },
  { maxSpans: 1_500, maxChains: 100 },
] as const

/** Reads from the newest message; each step continues at the previous step's end. */
async function readInSteps(
  readList: MessageListReader,
  start: StartPosition | undefined,
  limit: number,
): Promise<FoundMessages> {
  const messages: Message[] = []
  let before = start
  for (const [index, limits] of STEPS.entries()) {
    const found = await readList({ ...limits, before })
    const { scannedUntil } = found
    // The next step finds the messages after this position.
    messages.push(
      ...found.messages.filter((message) => scannedUntil === undefined || isAtOrBefore(scannedUntil, message)),
    )
    const isLast = scannedUntil === undefined || messages.length > limit || index === STEPS.length - 1
    if (isLast) return { ...found, messages }
    before = { ...scannedUntil, isInclusive: false }
  }
  throw new Error('unreachable')
}

const SECOND = 1_000_000_000n

/** Round steps, in seconds. */
const TIME_STEPS = [1n, 5n, 10n, 30n, 60n, 300n, 600n, 1_800n, 3_600n, 21_600n, 86_400n, 604_800n]

const MAX_BUCKETS = 60n

function countOverTime(
  times: readonly bigint[],
  { start, end }: TimeWindow,
): { readonly counts: MessagesResponse['counts']; readonly step: bigint } {
  const length = end - start
  // A window of "the last hour" is longer than an hour by the request's latency; one extra bucket
  // avoids a step five times as long.
  const fits = (step: bigint): boolean => length < step * SECOND * (MAX_BUCKETS + 1n)
  const step = (TIME_STEPS.find(fits) ?? length / SECOND / MAX_BUCKETS + 1n) * SECOND
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

/** A position in the list, and how many messages at it earlier pages returned. */
const messageCursor = createCursorCodec('messages1', {
  time: 'uint64',
  traceId: 'traceId',
  spanId: 'spanId',
  given: 'count',
})

type Cursor = ReturnType<typeof messageCursor.decode>

function encodeNextCursor(
  page: readonly Message[],
  next: Message | undefined,
  cursor: Cursor | undefined,
  scannedUntil: ListPosition | undefined,
): string | undefined {
  const last = page.at(-1)
  if (last === undefined || next === undefined)
    return scannedUntil && messageCursor.encode({ ...scannedUntil, given: 0 })
  const position = toListPosition(last)
  if (comparePositions(position, toListPosition(next)) !== 0) return messageCursor.encode({ ...position, given: 0 })
  const before = cursor !== undefined && comparePositions(cursor, position) === 0 ? cursor.given : 0
  return messageCursor.encode({
    ...position,
    given: before + page.filter((message) => comparePositions(toListPosition(message), position) === 0).length,
  })
}
