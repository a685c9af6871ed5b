import type { MessageList, MessagesAnswer } from '@spanlink/contract'
import { tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { MS, processing, send, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

const messages = fc.array(
  fc.record({
    // Old enough at the end of the hour that someone should have taken it.
    at: fc.integer({ min: 0, max: 3_000_000 }),
    waits: fc.oneof(fc.integer({ min: 0, max: 9_999 }), fc.integer({ min: 10_001, max: 60_000 })),
    /** In milliseconds after the first one. */
    deliveries: fc.array(fc.integer({ min: 1_000, max: 200_000 }), { maxLength: 3 }),
    taken: fc.boolean(),
    dead: fc.boolean(),
    mode: fc.constantFrom('link', 'parent', 'both'),
  }),
  { maxLength: 60 },
)

const lists = ['unconsumed', 'late', 'redelivered', 'dead-lettered'] as const

test(
  'lists are what plain computation finds, over pages, with totals and counts over time that are whole where they say so',
  { timeout: 180_000 },
  async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(messages, fc.integer({ min: 1, max: 20 }), async (all, limit) => {
        const topic = `topic-${(runs += 1)}`
        const expected: Record<(typeof lists)[number], TestSpan[]> = {
          unconsumed: [],
          late: [],
          redelivered: [],
          'dead-lettered': [],
        }
        const spans: TestSpan[] = []
        for (const [index, { at, waits, deliveries, taken, dead, mode }] of all.entries()) {
          const sent = send(topic, { at, for: 10 })
          spans.push(sent)
          if (!taken) {
            expected.unconsumed.push(sent)
            continue
          }
          const partition = { 'messaging.destination.partition.id': '0', 'kafka.offset': index }
          const [first, ...others] = [0, ...new Set(deliveries)].map((later) =>
            processing(topic, sent, 'group', mode, { at: at + 10 + waits + later, attributes: partition }),
          )
          if (first === undefined) continue
          const last = [first, ...others].reduce((latest, one) => (startOf(one) > startOf(latest) ? one : latest))
          if (waits > 10_000) expected.late.push(first)
          if (others.length > 0) expected.redelivered.push(last)
          const given = send(`${topic}.dlq`, { at: at + 10 + waits + 5, in: first })
          if (dead) expected['dead-lettered'].push(given)
          spans.push(first, ...others, ...(dead ? [given] : []))
        }
        await traces.put(tracesOf('shop', spans))
        for (const list of lists) {
          const answers = await pages(list, topic, limit)
          const [first] = answers
          const found = answers.flatMap((answer) => answer.messages)
          // Dead letters are few, and counted all.
          const from = list === 'dead-lettered' ? T0 : BigInt(first?.searched.start ?? 0)
          const sorted = expected[list].toSorted((a, b) => (placeOf(a) > placeOf(b) ? -1 : 1))
          const counted = sorted.map(startOf).filter((time) => time >= from)
          const { total, counts = [], stepNano = '0' } = first ?? {}
          expect({ list, total, found: found.map((message) => message.spanId), counts }).toEqual({
            list,
            total: counted.length,
            found: sorted.map((one) => one.spanId),
            counts: counts.map(({ startTimeUnixNano }) => {
              const start = BigInt(startTimeUnixNano)
              const inStep = counted.filter((time) => time >= start && time < start + BigInt(stepNano))
              return { startTimeUnixNano, count: inStep.length }
            }),
          })
        }
      }),
      { numRuns: 10 },
    )
  },
)

function startOf(span: TestSpan): bigint {
  return BigInt(span.startTimeUnixNano ?? 0)
}

/** Newest first, of the same time by id. */
function placeOf({ traceId, spanId, ...span }: TestSpan): string {
  return `${String(span.startTimeUnixNano).padStart(20, '0')}${traceId}${spanId}`
}

async function pages(list: MessageList, topic: string, limit: number): Promise<MessagesAnswer[]> {
  const answers: MessagesAnswer[] = []
  let cursor: string | undefined
  do {
    const window = { start: String(T0), end: String(T0 + BigInt(HOUR_MS) * MS) }
    const answer: MessagesAnswer = await findMessages(
      traces.store,
      list,
      { ...window, topic, limit, cursor, after: list === 'late' ? '10s' : '1m' },
      {},
    )
    answers.push(answer)
    cursor = answer.nextCursor
  } while (cursor !== undefined)
  return answers
}
