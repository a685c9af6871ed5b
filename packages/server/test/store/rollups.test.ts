import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, type OtlpKeyValue, type OtlpSpan, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { batchCountName, messagingNames, operationAliases } from '../../src/clickhouse/insert/messaging/semconv.ts'
import { messagingColumnNames } from '../../src/clickhouse/insert/messaging/messaging-columns.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { readRollup } from './rollups/insert-rollups.ts'

let dir: string
let store: EmbeddedStore
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-summed-up-'))
  store = await openEmbeddedStore(dir)
})
afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

const words = Object.keys(operationAliases).flatMap((word) => [word, word.toUpperCase(), `${word}s`])
const word = fc.oneof(
  fc.constantFrom(...words, '', 'none', 'İack', 'send\0'),
  fc.string({ unit: 'binary', maxLength: 9 }),
)

/** Strings that ClickHouse parses as a number, and similar ones that it does not. */
const number = fc.oneof(
  fc.bigInt(-(2n ** 64n), 2n ** 64n).map(String),
  fc.integer().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '+7',
    '007',
    '-+5',
    '+-5',
    '--1',
    '-',
    '+',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '0x1f',
    '1_0',
    '12a',
    '١',
  ),
  fc.constantFrom('9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'),
  fc.constantFrom(
    '0000000000000000000000000042',
    '-00000000000000000009007199254740993',
    '999999999999999',
    '-1000000000000000',
  ),
)

const value = fc.oneof(
  word.map((stringValue) => ({ stringValue })),
  number.map((stringValue) => ({ stringValue })),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((intValue) => ({ intValue: String(intValue) })),
  fc.constantFrom(
    { stringValue: '' },
    { stringValue: 'orders' },
    { stringValue: 'x'.repeat(300) },
    { boolValue: true },
    {},
  ),
)

const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...Object.values(messagingNames).flat(), batchCountName) },
  fc.constantFrom(
    'messaging',
    'messaging.system ',
    'Messaging.system',
    '',
    'messaging.destination.name.',
    'x'.repeat(200),
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
)

const attributes: fc.Arbitrary<OtlpKeyValue[]> = fc.array(fc.record({ key, value }), { maxLength: 12 })

const name = fc.oneof(
  word,
  fc.tuple(word, word).map(([first, last]) => `${first} ${last}`),
  fc.tuple(word, word, word).map((parts) => parts.join(' ')),
  fc.constantFrom(' ', '  ', ' send', 'send ', 'publish\tx', 'a '.repeat(500)),
)

const MINUTE = 60_000_000_000n
const LAST_MINUTE = (2n ** 64n - 1n) / MINUTE

/** Any 64-bit time, most often next to the start of a minute, where rounding errors show. */
const time = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc
    .tuple(fc.bigInt(1n, LAST_MINUTE), fc.constantFrom(-1n, 0n, 1n, -127n, -128n, -129n, 128n))
    .map(([minute, beside]) => minute * MINUTE + beside),
  fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 29_000_000n * MINUTE, 29_000_000n * MINUTE - 1n),
)

const duration = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.bigInt(0n, 100n),
  fc.constantFrom(0n, -1n, 1n, 15n, 16n, 17n, 31n, 32n, 10_000_000n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n),
)

function hexId(bytes: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString('hex'))
}

const span: fc.Arbitrary<OtlpSpan> = fc
  .record({
    traceId: hexId(16),
    spanId: hexId(8),
    name,
    kind: fc.nat(5),
    start: time,
    duration,
    status: fc.record({ code: fc.nat(2) }),
    attributes,
  })
  .map(({ start, duration, ...rest }) => ({
    ...rest,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(BigInt.asUintN(64, start + duration)),
  }))

const service = fc.constantFrom('', 'shop', 'send', 'orders')

test('columns and rollups computed on insert equal those computed by ClickHouse', async () => {
  let segments = 0
  await fc.assert(
    fc.asyncProperty(service, fc.array(span, { minLength: 200, maxLength: 400 }), async (name, spans) => {
      segments += 1
      const received = Math.floor(Date.now() / 1000) - (segments % 3) * 86_400
      const rows = transcodeTraces(encodeTraces(tracesOf(name, spans)), received)
      await store.insert('spans', [rows.spans], `segment ${segments}`)
    }),
    { numRuns: 15 },
  )
  expect(await findWrongColumns()).toEqual([])
  const stored = await store.query(await sumRows(`select * from traffic_minutes`))
  const computed = await store.query(await sumRows(await selectOfHours()))
  expect(stored.length).toBeGreaterThan(1000)
  const expected = new Set(computed.map((row) => JSON.stringify(row)))
  const unexpected = stored.filter((row) => !expected.has(JSON.stringify(row)))
  expect(unexpected.slice(0, 3)).toEqual([])
  expect(stored).toHaveLength(computed.length)
}, 120_000)

/** Spans whose column differs from the default expression of the table. */
async function findWrongColumns(): Promise<unknown[]> {
  const defaults = await store.query<{ name: string; expression: string }>(
    `select name, default_expression as expression from system.columns
    where database = currentDatabase() and table = 'spans' and default_kind = 'DEFAULT'`,
  )
  expect(defaults.map((column) => column.name).toSorted()).toEqual([...messagingColumnNames].toSorted())
  const wrong: unknown[] = []
  for (const { name, expression } of defaults) {
    const found = await store.query(
      `select '${name}' as column, toString(${name}) as stored, toString(${expression}) as wanted, kind, name, attrs
      from spans where stored != wanted limit 3`,
    )
    wrong.push(...found)
  }
  return wrong
}

/** The rollup query over all stored spans, hour by hour. */
async function selectOfHours(): Promise<string> {
  const sql = (await readRollup('traffic_minutes')).replaceAll('{db}.', '')
  const select = sql.slice(sql.indexOf('with\n'))
  const hours = await store.query<{ day: string; hour: number }>(
    'select distinct _partition_id as day, toHour(received) as hour from spans',
  )
  return hours
    .map(({ day, hour }) => `select * from (${select.replaceAll('{day}', day).replaceAll('{hour}', String(hour))})`)
    .join(' union all ')
}

/** Sums rows as merges do. */
async function sumRows(rows: string): Promise<string> {
  return `select toDate(received) as day, minute, topic, messaging_operation, messaging_system, consumer_group, service, cluster, max(received) as last,
      sum(spans) as n, sum(errors) as failures, sum(messages) as about, sum(failed_messages) as failed_about, sumMap(durations) as lengths, hex(max(slowest).2), max(slowest).1 as longest,
      hex(max(slowest).3), hex(max(failed).1), hex(max(failed).2)
    from (${rows})
    group by day, minute, topic, messaging_operation, messaging_system, consumer_group, service, cluster
    order by day, minute, topic, messaging_operation, messaging_system, consumer_group, service, cluster`
}
