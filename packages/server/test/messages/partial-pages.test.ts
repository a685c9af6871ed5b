import type { Message, MessagesResponse } from '@spanlink/api-schema'
import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { linkTo, MS, processing, send, T0, type TestSpan } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'

const HOUR_MS = 3_600_000
const NEWER = 2_400
const REDELIVERED = 30

let traces: StoredTraces
let again: readonly TestSpan[]
/** Thirty redeliveries, older than more single deliveries than one page scans. */
beforeAll(async () => {
  traces = await openStoredTraces()
  const old = Array.from({ length: REDELIVERED }, (_, index) => send('busy', { at: index * 10, for: 1 }))
  const first = old.map((one, index) => processing('busy', one, 'group', 'link', { at: 1_000 + index }))
  again = old.map((one, index) => processing('busy', one, 'group', 'link', { at: 2_000 + index }))
  const sent = Array.from({ length: NEWER }, (_, index) => send('busy', { at: 10_000 + index * 1_000, for: 1 }))
  const processed = sent.map((one, index) => processing('busy', one, 'group', 'link', { at: 10_002 + index * 1_000 }))
  await traces.put(tracesOf('shop', [...old, ...sent]))
  await traces.put(tracesOf('stock', [...first, ...again, ...processed]))
}, 60_000)
afterAll(() => traces[Symbol.asyncDispose]())

async function redelivered(cursor?: string): Promise<MessagesResponse> {
  const window = { start: String(T0), end: String(T0 + BigInt(HOUR_MS) * MS) }
  return await findMessages(traces.store, 'redelivered', { ...window, limit: 20, ...(cursor && { cursor }) }, {})
}

test('an empty page is incomplete when older redeliveries follow, and its cursor returns them', async () => {
  const first = await redelivered()
  expect(first).toMatchObject({ messages: [], total: 0, complete: false })
  expect(BigInt(first.searched.start)).toBeGreaterThan(T0)
  const found: Message[] = []
  let { nextCursor: cursor } = first
  let last = first
  while (cursor !== undefined) {
    const page = await redelivered(cursor)
    expect(BigInt(page.searched.end)).toBeLessThanOrEqual(BigInt(last.searched.end))
    found.push(...page.messages)
    last = page
    cursor = page.nextCursor
  }
  expect(last).toMatchObject({ complete: true, searched: { start: String(T0) } })
  expect(found.map(({ spanId }) => spanId)).toEqual(again.map(({ spanId }) => spanId).toReversed())
}, 60_000)

test('equal requests return equal rows while other queries load the store', async () => {
  const { nextCursor } = await redelivered()
  const isDone = { yet: false }
  const load = Array.from({ length: 4 }, async () => {
    while (!isDone.yet) await traces.store.query('select count(), uniqExact(span_id), max(name) from spans', {}, {})
  })
  const responses: MessagesResponse[] = []
  for (let round = 0; round < 5; round++) {
    responses.push(...(await Promise.all([redelivered(nextCursor), redelivered(nextCursor)])))
  }
  isDone.yet = true
  await Promise.all(load)
  const [expected, ...others] = responses
  expect(others).toHaveLength(9)
  expect(expected?.messages).toHaveLength(20)
  for (const response of others) expect(response).toEqual(expected)
}, 120_000)

test('late messages of one batch span are split over pages', async () => {
  const at = 3_000_000
  const sent = Array.from({ length: 7 }, (_, index) => send('batched', { at: at + index, for: 1 }))
  const batch = processing('batched', undefined, 'group', 'link', {
    at: at + 60_000,
    links: sent.map((one, index) => linkTo(one, { 'kafka.offset': index })),
    attributes: { 'kafka.offset': '' },
  })
  await traces.put(tracesOf('shop', [...sent, batch]))
  const window = { start: String(T0), end: String(T0 + BigInt(HOUR_MS) * MS), topic: 'batched', limit: 3 }
  const pages: string[][] = []
  let cursor: string | undefined
  do {
    const page: MessagesResponse = await findMessages(
      traces.store,
      'late',
      { ...window, ...(cursor && { cursor }) },
      {},
    )
    pages.push(page.messages.map(({ offset }) => offset))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  expect(pages).toEqual([['0', '1', '2'], ['3', '4', '5'], ['6']])
})
