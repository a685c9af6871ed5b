import type { Message, MessageList, MessagesResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, processing, send, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { kotelConsume } from './kotel-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

const MINUTE_MS = 60_000
const groups = ['a', 'b', 'c']

const consumption = fc.record({
  group: fc.constantFrom(...groups),
  waits: fc.oneof(fc.integer({ min: 0, max: 9_900 }), fc.integer({ min: 10_001, max: MINUTE_MS })),
  /** In milliseconds after the first one. */
  deliveries: fc.uniqueArray(fc.integer({ min: 1_000, max: 200_000 }), { maxLength: 2 }),
  retries: fc.integer({ min: 0, max: 2 }),
  dead: fc.boolean(),
  mode: fc.constantFrom('link', 'parent', 'both', 'kotel', 'kotel child'),
})

const messages = fc.array(
  fc.record({
    // Old enough at the end of the hour to count as unconsumed.
    at: fc.integer({ min: 0, max: 3_000_000 }),
    consumptions: fc.uniqueArray(consumption, { selector: ({ group }) => group, maxLength: 3 }),
  }),
  { maxLength: 40 },
)

/** Messages of one consumer span. */
const batches = fc.array(
  fc.record({ at: fc.integer({ min: 0, max: 3_000_000 }), size: fc.integer({ min: 1, max: 6 }), isLate: fc.boolean() }),
  { maxLength: 4 },
)

/** Sends of several records by one span, and which of them each group took. */
const bulks = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 3_000_000 }),
    taken: fc.dictionary(fc.constantFrom(...groups), fc.uniqueArray(fc.nat(3), { maxLength: 4 }), { maxKeys: 3 }),
  }),
  { maxLength: 2 },
)

const lists = ['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered'] as const
type Expected = { readonly span: TestSpan; readonly group: string; readonly producer: TestSpan }

test(
  'random message lists match a reference evaluation in rows, totals, counts and searched ranges',
  { timeout: 600_000 },
  async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        messages,
        batches,
        bulks,
        fc.integer({ min: 2, max: 20 }),
        async (all, inBatches, inBulks, limit) => {
          const topic = `topic-${(runs += 1)}`
          const { spans, expected } = evaluate(topic, all, inBatches, inBulks)
          await traces.put(tracesOf('shop', [...spans]))
          for (const list of lists) {
            const pageResponses = await pages(list, topic, limit)
            const [first] = pageResponses
            const found = pageResponses.flatMap((response) => response.messages)
            // Dead letters are few, so all are counted.
            const from = list === 'dead-lettered' ? T0 : BigInt(first?.searched.start ?? 0)
            const counted = expected[list].map(({ span }) => startOf(span)).filter((time) => time >= from)
            const { total, counts = [], stepNano = '0' } = first ?? {}
            expect({ list, total, found: found.map(rowOf).toSorted(), counts }).toEqual({
              list,
              total: counted.length,
              found: expected[list].map(expectedRow).toSorted(),
              counts: counts.map(({ startTimeUnixNano }) => {
                const start = BigInt(startTimeUnixNano)
                const inStep = counted.filter((time) => time >= start && time < start + BigInt(stepNano))
                return { startTimeUnixNano, count: inStep.length }
              }),
            })
            const sortKeys = found.map(({ timeUnixNano, traceId, spanId }) => timeUnixNano + traceId + spanId)
            expect(sortKeys).toEqual(sortKeys.toSorted().toReversed())
            expect(pageResponses.at(-1)).toMatchObject({ complete: true, searched: { start: String(T0) } })
          }
        },
      ),
      { numRuns: 6 },
    )
  },
)

type Messages = typeof messages extends fc.Arbitrary<infer T> ? T : never
type Batches = typeof batches extends fc.Arbitrary<infer T> ? T : never
type Bulks = typeof bulks extends fc.Arbitrary<infer T> ? T : never

/** Spans of these messages, and the messages expected in each list. */
function evaluate(topic: string, all: Messages, inBatches: Batches, inBulks: Bulks) {
  const expected: Record<(typeof lists)[number], Expected[]> = {
    unconsumed: [],
    late: [],
    redelivered: [],
    retried: [],
    'dead-lettered': [],
  }
  const spans: TestSpan[] = []
  const knownGroups = new Set(all.flatMap(({ consumptions }) => consumptions.map(({ group }) => group)))
  if (inBatches.length > 0) knownGroups.add('batch')
  for (const { taken } of inBulks)
    for (const [group, records] of Object.entries(taken)) if (records.length > 0) knownGroups.add(group)
  const missing = (sent: TestSpan, consumers: readonly string[]): void => {
    const known = [...knownGroups].filter((group) => !consumers.includes(group))
    const isUnread = knownGroups.size === 0
    for (const group of isUnread ? [''] : known) expected.unconsumed.push({ span: sent, group, producer: sent })
  }
  for (const [offset, { at, consumptions }] of all.entries()) {
    const sent = send(topic, { at, for: 10 })
    spans.push(sent)
    missing(
      sent,
      consumptions.map(({ group }) => group),
    )
    for (const { group, waits, deliveries, retries, dead, mode } of consumptions) {
      const consumed = [0, ...deliveries].map((later) =>
        consume(topic, sent, group, mode, { at: at + 10 + waits + later, offset }),
      )
      spans.push(...consumed.flatMap(({ receive, process }) => [receive, process].filter((one) => one !== undefined)))
      const byTime = consumed.toSorted((x, y) => (startOf(x.process) < startOf(y.process) ? -1 : 1))
      const [first] = byTime
      const last = byTime.at(-1)
      if (first === undefined || last === undefined) continue
      if (waits > 10_000) expected.late.push({ span: first.process, group, producer: sent })
      if (deliveries.length > 0) expected.redelivered.push({ span: last.process, group, producer: sent })
      let inside = first.process
      let resent: TestSpan | undefined
      for (let attempt = 0; attempt < retries; attempt++) {
        const time = at + 10 + waits + 5 + attempt * 500
        resent = send(`${topic}-retry`, { at: time, for: 1, in: inside })
        const again = consume(`${topic}-retry`, resent, group, mode, { at: time + 100, offset: offset * 10 + attempt })
        spans.push(resent, ...[again.receive, again.process].filter((one) => one !== undefined))
        inside = again.process
      }
      if (resent !== undefined) expected.retried.push({ span: resent, group, producer: sent })
      if (!dead) continue
      const given = send(`${topic}.dlq`, { at: at + 10 + waits + 2_000, in: inside })
      expected['dead-lettered'].push({ span: given, group, producer: sent })
      spans.push(given)
    }
  }
  for (const { at, size, isLate } of inBatches) {
    const sent = Array.from({ length: size }, (_, index) => send(topic, { at: at + index, for: 1 }))
    const batch = processing(topic, undefined, 'batch', 'link', {
      at: at + (isLate ? 30_000 : 100),
      links: sent.map((one, index) => linkTo(one, { 'kafka.offset': index })),
      attributes: { 'kafka.offset': '' },
    })
    spans.push(...sent, batch)
    for (const one of sent) {
      missing(one, ['batch'])
      if (isLate) expected.late.push({ span: batch, group: 'batch', producer: one })
    }
  }
  for (const [bulk, { at, taken }] of inBulks.entries()) {
    const sent = send(topic, { at, for: 1 })
    const consumed = Object.entries(taken).flatMap(([group, records]) =>
      records.map((record) => ({ group, record, span: takeRecord(topic, sent, group, bulk * 10 + record, at + 100) })),
    )
    spans.push(sent, ...consumed.map((one) => one.span))
    const byRecord = [...Map.groupBy(consumed, ({ record }) => record).values()]
    for (const same of byRecord.length === 0 ? [[]] : byRecord) {
      missing(
        sent,
        same.map(({ group }) => group),
      )
    }
  }
  return { spans, expected }
}

function takeRecord(topic: string, sent: TestSpan, group: string, offset: number, at: number): TestSpan {
  const links = [linkTo(sent, { 'messaging.destination.partition.id': '1', 'kafka.offset': offset })]
  return processing(topic, undefined, group, 'link', { at, links, attributes: { 'kafka.offset': '' } })
}

function consume(
  topic: string,
  sent: TestSpan,
  group: string,
  mode: 'link' | 'parent' | 'both' | 'kotel' | 'kotel child',
  { at, offset }: { readonly at: number; readonly offset: number },
): { readonly receive?: TestSpan; readonly process: TestSpan } {
  if (mode === 'kotel' || mode === 'kotel child') {
    const position = { partition: 0, offset }
    return kotelConsume(sent, { topic, group, position, mode: mode === 'kotel' ? 'LinkSpans' : 'child', at })
  }
  const attributes = { 'messaging.destination.partition.id': '0', 'kafka.offset': offset }
  return { process: processing(topic, sent, group, mode, { at, attributes }) }
}

function rowOf({ spanId, consumerGroup, producer }: Message): string {
  return [spanId, consumerGroup, producer?.spanId].join(' ')
}

function expectedRow({ span, group, producer }: Expected): string {
  return [span.spanId, group, producer.spanId].join(' ')
}

function startOf(span: TestSpan): bigint {
  return BigInt(span.startTimeUnixNano ?? 0)
}

async function pages(list: MessageList, topic: string, limit: number): Promise<MessagesResponse[]> {
  const pageResponses: MessagesResponse[] = []
  let cursor: string | undefined
  do {
    const window = { start: String(T0), end: String(T0 + BigInt(HOUR_MS) * MS) }
    const response: MessagesResponse = await findMessages(traces.store, list, { ...window, topic, limit, cursor }, {})
    pageResponses.push(response)
    cursor = response.nextCursor
  } while (cursor !== undefined)
  return pageResponses
}
