import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, kv, type OtlpKeyValue, type OtlpLink, type OtlpSpan, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { messagingAttributeNames, operationAliases } from '../../src/clickhouse/insert/messaging/semconv.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { resolveGroup, resolveRecord } from '../../src/query/records/record-metadata.ts'
import { fetchDecodedRows, fetchTraceHeads, fetchTraceRows } from '../../src/query/trace-rows/fetch-trace-rows.ts'
import { readMessagingBody } from '../../src/query/trace-rows/messaging-body.ts'
import {
  deriveMessaging,
  findMessagingKeys,
  isMessagingKind,
  readMessaging,
  toLinkMessaging,
} from '../../src/query/trace-rows/span-messaging.ts'
import { readSpanHead, type SpanRow } from '../../src/query/trace-rows/trace-row.ts'
import { readSpans, type SpanRow as SentSpan } from '../ingest/row-binary.ts'
import { transcodeTraces } from '../signals/transcode.ts'

let dir: string
let store: EmbeddedStore
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-trace-rows-'))
  store = await openEmbeddedStore(dir)
})
afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

const NO_IDS = { traceId: '0'.repeat(32), spanId: '0'.repeat(16) }

function hexId(bytes: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString('hex'))
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'x'.repeat(200), 'ü'.repeat(99)),
)
const words = Object.keys(operationAliases).flatMap((word) => [word, word.toUpperCase(), `${word}s`])
const value = fc.oneof(
  fc
    .oneof(text, fc.constantFrom(...words, 'kafka', 'rabbitmq', '-1', '+7', '007'))
    .map((stringValue) => ({ stringValue })),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((intValue) => ({ intValue: String(intValue) })),
  fc.constantFrom({ boolValue: true }, { doubleValue: 1.5 }, {}, { arrayValue: { values: [{ intValue: '1' }] } }),
)
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...messagingAttributeNames) },
  { weight: 1, arbitrary: text },
)
const attributes: fc.Arbitrary<OtlpKeyValue[]> = fc.array(fc.record({ key, value }), { maxLength: 8 })
const count = fc.nat(2 ** 32 - 1)
const link: fc.Arbitrary<OtlpLink> = fc.record({
  traceId: fc.oneof(hexId(16), fc.constantFrom('', NO_IDS.traceId)),
  spanId: fc.oneof(hexId(8), fc.constantFrom('', NO_IDS.spanId)),
  traceState: text,
  attributes,
  flags: count,
  droppedAttributesCount: count,
})
const span: fc.Arbitrary<OtlpSpan> = fc.record({
  traceId: hexId(16),
  spanId: hexId(8),
  parentSpanId: fc.oneof(hexId(8), fc.constantFrom('', NO_IDS.spanId)),
  name: fc.oneof(
    text,
    fc.tuple(fc.constantFrom(...words), text).map((parts) => parts.join(' ')),
  ),
  kind: fc.nat(5),
  startTimeUnixNano: fc.bigInt(0n, 2n ** 64n - 1n).map(String),
  endTimeUnixNano: fc.bigInt(0n, 2n ** 64n - 1n).map(String),
  attributes,
  events: fc.array(
    fc.record({
      timeUnixNano: fc.bigInt(0n, 2n ** 64n - 1n).map(String),
      name: text,
      attributes,
      droppedAttributesCount: count,
    }),
    { maxLength: 3 },
  ),
  links: fc.array(link, { maxLength: 3 }),
  status: fc.record({ code: fc.nat(2), message: text }),
  traceState: text,
  flags: count,
  droppedAttributesCount: count,
  droppedEventsCount: count,
  droppedLinksCount: count,
})
const resource = fc.constantFrom(
  [],
  [{ key: 'service.name', value: { stringValue: 'shop' } }],
  [
    { key: 'service.name', value: { stringValue: 'ü'.repeat(100) } },
    { key: 'kafka.cluster.id', value: { stringValue: 'one' } },
  ],
)

test('the payload of a span has what was sent and what its columns have, and each of its links is also under its target', async () => {
  const ids: string[] = []
  const sent = new Map<string, SentSpan>()
  await fc.assert(
    fc.asyncProperty(resource, fc.array(span, { minLength: 50, maxLength: 100 }), async (attributes, spans) => {
      const request = { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] }
      const rows = transcodeTraces(encodeTraces(request), Math.floor(Date.now() / 1000))
      expect(rows.rejectedSpans).toBe(0)
      await store.insert('trace_rows', [rows.spans], `sent ${ids.length}`)
      await store.insert('spans', [rows.spans], `sent ${ids.length}`)
      ids.push(...spans.map(({ traceId }) => traceId as string))
      for (const row of readSpans(rows)) sent.set(row.traceId + row.spanId, row)
    }),
    { numRuns: 6 },
  )
  const { spans, damaged } = await fetchTraceRows(store, { traceIds: ids, type: 'span' }, {})
  spans.sort((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1))
  expect(damaged).toBe(0)
  expect(spans.map(toComparable)).toEqual(await selectSpans(sent))
  const heads = await fetchTraceHeads(store, { traceIds: ids, type: 'span' }, {})
  heads.spans.sort((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1))
  expect(heads.spans).toEqual(spans.map((row) => pick(row, Object.keys(heads.spans[0] as object))))
  await expectMessagingFields(ids, spans)
  await expectBacklinks(spans)
}, 120_000)

test('backlinks of a span repeat its messaging attributes up to 16 MiB', async () => {
  const linkCounts = [100, 5000]
  const spans = linkCounts.map((links, at): OtlpSpan => {
    const target = { traceId: 'ef'.repeat(16), spanId: `${at + 1}`.padStart(16, '0') }
    return {
      traceId: 'ab'.repeat(16),
      spanId: target.spanId,
      name: 'process orders',
      kind: 5,
      startTimeUnixNano: '1',
      endTimeUnixNano: '2',
      attributes: [kv('kafka.message.key', 'k'.repeat(4000))],
      links: Array.from({ length: links }, () => ({ ...target, attributes: [] })),
    }
  })
  const rows = transcodeTraces(encodeTraces(tracesOf('payment', spans)), Math.floor(Date.now() / 1000))
  await store.insert('trace_rows', [rows.spans], 'long keys')
  const { backlinks, damaged } = await fetchTraceRows(store, { traceIds: ['ef'.repeat(16)], type: 'backlink' }, {})
  const repeated = backlinks.filter(({ linkingAttributes }) => linkingAttributes.length > 0)
  expect([backlinks.length, repeated.length, damaged]).toEqual([5100, 100, 0])
  expect(backlinks.filter((backlink) => backlink.areLinkingAttributesLeftOut)).toHaveLength(5000)
  expect(repeated[0]?.linkingAttributes).toEqual([['kafka.message.key', 'k'.repeat(4000)]])
})

/** What is read without other attributes and events is the same as in the whole spans. */
async function expectMessagingFields(traceIds: readonly string[], expected: readonly SpanRow[]): Promise<void> {
  const { spans } = await fetchDecodedRows(
    store,
    { traceIds, type: 'span' },
    {
      span: (row, shape) => {
        const [traceId, spanId] = [row.traceId(), row.spanId()]
        const head = readSpanHead(row.head(), traceId, spanId, shape)
        const { values, flags, links } = readMessagingBody(row.body(), findMessagingKeys(shape.keys))
        return {
          id: traceId + spanId,
          flags,
          messaging: deriveMessaging(head, values, shape.resourceCluster),
          links: links.map((link) => ({ ...pick(link, ['traceId', 'spanId']), ...toLinkMessaging(link.values) })),
        }
      },
      backlink: () => {
        throw new Error('no backlink was requested')
      },
    },
    {},
  )
  spans.sort((a, b) => (a.id < b.id ? -1 : 1))
  expect(spans).toEqual(
    expected.map((row) => ({
      id: row.traceId + row.spanId,
      flags: row.flags,
      messaging: readMessaging(row),
      links: row.links.map(({ attributes, ...link }) => ({
        ...pick(link, ['traceId', 'spanId']),
        ...resolveRecord(attributes),
        group: resolveGroup(attributes),
      })),
    })),
  )
}

async function expectBacklinks(spans: readonly SpanRow[]): Promise<void> {
  const expected = spans.flatMap((linking) =>
    linking.links.flatMap((one, ordinal) =>
      one.traceId === NO_IDS.traceId
        ? []
        : [
            {
              ...pick(linking, ['start', 'duration', 'kind', 'status', 'service', 'name']),
              ...one,
              linkingTraceId: linking.traceId,
              linkingSpanId: linking.spanId,
              ordinal,
              ...selectLinkingAttributes(linking),
            },
          ],
    ),
  )
  expect(expected.length).toBeGreaterThan(100)
  const traceIds = expected.map(({ traceId }) => traceId)
  const { backlinks } = await fetchTraceRows(store, { traceIds, type: 'backlink' }, {})
  const order = (row: object): string =>
    JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const inOrder = (rows: readonly object[]): string[] =>
    rows.map((row) => order(pick(row, Object.keys(expected[0] as object)))).sort()
  expect(inOrder(backlinks)).toEqual(inOrder(expected))
}

/** What a backlink repeats of the linking span, so that its record is read without that span. */
function selectLinkingAttributes({ kind, attributes, resourceCluster }: SpanRow): object {
  const names = new Set(isMessagingKind(kind) ? messagingAttributeNames : [])
  const linkingAttributes = attributes.filter(([key]) => names.has(key))
  return { linkingAttributes, resourceCluster: linkingAttributes.length === 0 ? '' : resourceCluster }
}

function pick(row: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, (row as Record<string, unknown>)[key]]))
}

/** A row of `selectSpans`, from the payload. */
function toComparable(row: SpanRow): object {
  const messaging = readMessaging(row)
  return {
    ...row,
    start: String(row.start),
    eventTimes: row.eventTimes.map(String),
    duration: String(row.duration),
    parentSpanId: row.parentSpanId || NO_IDS.spanId,
    events: row.events.map((event) => ({ ...event, time: String(event.time) })),
    messaging: {
      ...pick(messaging, ['operation', 'system', 'cluster', 'topic', 'partition', 'group']),
      offset: messaging.offset || '-1',
    },
  }
}

/**
 * The columns of `spans`, with the names that payloads have, and what only payloads have, as sent.
 */
async function selectSpans(sent: ReadonlyMap<string, SentSpan>): Promise<object[]> {
  const map = (attrs: string): string => `arrayMap((k, v) -> [k, v], mapKeys(${attrs}), mapValues(${attrs}))`
  const rows = await store.query<Record<string, unknown>>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(parent_span_id)) as parentSpanId, start, duration,
      kind, status, service, name, source_id as sourceId, arraySlice(events.time, 1, 500) as eventTimes, toUInt32(length(links)) as linkCount,
      ${map('attrs')} as attributes, attr_types as attributeTypes, status_message as statusMessage,
      arrayMap(e -> tuple(e.time, e.name, ${map('e.attrs')}, e.attr_types), events) as events,
      arrayMap(l -> tuple(lower(hex(l.trace_id)), lower(hex(l.span_id)), ${map('l.attrs')}, l.attr_types), links) as links,
      messaging_operation as operation, messaging_system as system, cluster, topic, partition, consumer_group as group, message_offset as offset
    from spans order by trace_id, span_id`,
  )
  return rows.map(({ operation, system, cluster, topic, partition, group, offset, events, links, ...row }) => {
    const span = sent.get(`${row['traceId']}${row['spanId']}`) as SentSpan
    return {
      ...row,
      ...pick(span, ['traceState', 'flags', 'droppedAttributes', 'droppedEvents', 'droppedLinks', 'resourceCluster']),
      events: (events as unknown[][]).map(([time, name, attributes, attributeTypes], at) => ({
        time,
        name,
        attributes,
        attributeTypes,
        ...pick(span.events[at] as object, ['droppedAttributes']),
      })),
      links: (links as unknown[][]).map(([traceId, spanId, attributes, attributeTypes], at) => ({
        traceId,
        spanId,
        attributes,
        attributeTypes,
        ...pick(span.links[at] as object, ['traceState', 'flags', 'droppedAttributes']),
      })),
      messaging: { operation, system, cluster, topic, partition, group, offset },
    }
  })
}
