import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executeMetricsQuery } from '../../src/traceql/metrics/metrics.ts'
import { listAttributeKeys } from '../../src/traceql/complete/attribute-keys.ts'
import { listAttributeValues } from '../../src/traceql/complete/attribute-values.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { isOnCluster, openTestStore } from '../query/stored-traces.ts'
import { loadSpans } from './load.ts'
import { oneSpan } from './one-span.ts'
import type { TestSpan } from './spans.ts'

const foundKeys = async (...args: Parameters<typeof listAttributeKeys>) => (await listAttributeKeys(...args)).found
const foundValues = async (...args: Parameters<typeof listAttributeValues>) =>
  (await listAttributeValues(...args)).found

const hour = 3_600_000_000_000n
const second = 1_000_000_000n
const start = 1_790_000_000_000_000_000n
const end = start + hour

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-traceql-'))
  store = await openTestStore(dir)
  await loadSpans(store, [...hopSpans(), ...fanOutSpans(), ...longTrace(), ...hostileSpans()])
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** Twelve traces in a row, each linked to the one before it; the first is three days old. */
function hopSpans(): TestSpan[] {
  const spans: TestSpan[] = []
  for (let hop = 0; hop < 12; hop++) {
    const before = spans.at(-1)
    const links = before ? [{ traceId: before.traceId, spanId: before.spanId, attributes: { hop: BigInt(hop) } }] : []
    spans.push(oneSpan(`hop ${hop}`, hop === 0 ? start - 72n * hour : start + BigInt(hop) * second, { links }))
  }
  return spans
}

function fanOutSpans(): TestSpan[] {
  const source = oneSpan('source', start + 100n * second)
  const links = [{ traceId: source.traceId, spanId: source.spanId, attributes: {} }]
  return [
    source,
    ...Array.from({ length: 1_200 }, (_, at) =>
      oneSpan('target', start + BigInt(200 + at) * second, { links, attributes: { nth: BigInt(at) } }),
    ),
  ]
}

/** One trace over three days, with a child on each side of the window. */
function longTrace(): TestSpan[] {
  const root = oneSpan('long root', start - 36n * hour)
  const { traceId } = root
  const middle = oneSpan('long middle', start + 1800n * second, { traceId, parentSpanId: root.spanId })
  return [root, middle, oneSpan('long leaf', start + 36n * hour, { traceId, parentSpanId: middle.spanId })]
}

const hostile = `'; drop table spans; -- {p0:String} \\ " \` \u0000 \u202e </script> \n\t 🙂`

function hostileSpans(): TestSpan[] {
  return [
    oneSpan(hostile, start + 1900n * second, {
      attributes: { [hostile]: hostile, plain: 'x' },
      events: [{ time: start, name: hostile, attributes: { [hostile]: hostile } }],
      resource: { 'service.name': hostile, [hostile]: hostile },
    }),
  ]
}

async function names(query: string, window = { start, end }, limit = 2000): Promise<readonly string[]> {
  const response = await searchTraceQL(store, query, { ...window, limit, spansPerSpanset: 5 })
  return response.traces.flatMap((trace) => trace.spansets.flatMap((spanset) => spanset.spans.map((each) => each.name)))
}

test('a 64-bit trace id in TraceQL matches the 128-bit id with leading zeros', async () => {
  const short = '00f067aa0ba902b7'
  await loadSpans(store, [oneSpan('short id', start, { traceId: short.padStart(32, '0') })], 'short')
  const names = async (query: string): Promise<readonly string[]> =>
    (await searchTraceQL(store, query, { start, end })).traces.map(({ summary }) => summary.rootName)
  expect(await names(`{ trace:id = "${short}" }`)).toEqual(['short id'])
  expect(await names(`{ name = "short id" && trace:id != "${short}" }`)).toEqual([])
})

describe('a TraceQL search', () => {
  test('returns spans that start in [start, end)', async () => {
    const window = { start: start + 3n * second, end: start + 5n * second }
    expect(await names('{ name =~ "hop.*" }', window)).toEqual(['hop 4', 'hop 3'])
  })

  test('returns the newest traces first, up to its limit', async () => {
    expect(await names('{ name =~ "hop.*" }', undefined, 3)).toEqual(['hop 11', 'hop 10', 'hop 9'])
  })

  test('evaluates aggregates and root fields on whole traces beyond its time range', async () => {
    expect(await names('{ name = "long root" } >> { name = "long middle" }')).toEqual([])
    const response = await searchTraceQL(store, '{ name =~ "long.*" } | count() = 3', { start, end })
    expect(response.traces).toMatchObject([
      { summary: { spanCount: 3, rootName: 'long root' }, spansets: [{ matched: 3 }] },
    ])
    expect(
      await names('{ rootName = "long root" && name = "long leaf" }', { start: end, end: end + 48n * hour }),
    ).toEqual(['long leaf'])
  })

  test('returns the fields named by the query with their types', async () => {
    const response = await searchTraceQL(
      store,
      '{ span.nth = 7 && .service.name = "test" } | select(instrumentation.library, duration)',
      { start, end },
    )
    expect(response.traces[0]?.spansets[0]?.spans[0]).toMatchObject({
      name: 'target',
      durationNanos: '1000000000',
      attributes: [
        { field: 'span.nth', type: 'i', value: '7' },
        { field: '.service.name', type: 's', value: 'test' },
        { field: 'instrumentation.library', type: 's', value: 'kafkajs' },
        { field: 'span:duration', type: 'i', value: '1000000000' },
      ],
    })
  })

  test('is cancelled when its client disconnects', async () => {
    const controller = new AbortController()
    const response = searchTraceQL(store, '{ } >> { }', { start, end, signal: controller.signal })
    controller.abort()
    await expect(response).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('that exceeds its time limit fails with advice to narrow it', async () => {
    await expect(searchTraceQL(store, '{ }', { start, end, timeoutMs: 0 })).rejects.toMatchObject({
      code: 'limit',
      message: expect.stringContaining('choose a shorter time range'),
    })
  })

  test('with an empty time range is rejected', async () => {
    await expect(searchTraceQL(store, '{ }', { start: end, end: start })).rejects.toMatchObject({ code: 'limit' })
  })

  test('over all 64-bit times succeeds', async () => {
    expect(await names('{ name = "hop 5" }', { start: 0n, end: 2n ** 64n - 1n })).toEqual(['hop 5'])
  })
})

describe('a TraceQL search over more traces than one page scans', () => {
  const manyStart = start - 500n * hour
  const window = { start: manyStart, end: manyStart + hour, timeoutMs: 120_000 }
  const rare = '{ name = "many" } | count() > 1'

  beforeAll(async () => {
    const many = Array.from({ length: 10_200 }, (_, at) => oneSpan('many', manyStart + BigInt(at) * 1_000_000n))
    const { traceId, spanId } = many[0] ?? oneSpan('none', manyStart)
    await loadSpans(store, [...many, oneSpan('many', manyStart, { traceId, parentSpanId: spanId })], 'many')
  }, 120_000)

  test('warns and continues on the next page', async () => {
    const first = await searchTraceQL(store, rare, window)
    expect(first).toMatchObject({ traces: [], warnings: [expect.stringContaining('load more')] })
    const next = await searchTraceQL(store, rare, { ...window, cursor: first.nextCursor ?? '' })
    expect(next).toMatchObject({ traces: [{ summary: { spanCount: 2 } }], warnings: [] })
    expect(next.nextCursor).toBeUndefined()
  }, 240_000)

  test.each([rare, '{ name = "many" } | count() > 0'])(
    'of %s as series warns that only the newest traces are included',
    async (query) => {
      const { warnings } = await executeMetricsQuery(store, `${query} | count_over_time()`, { ...window, step: hour })
      expect(warnings).toEqual([expect.stringContaining('newest 10000 traces')])
    },
    240_000,
  )
})

describe('a TraceQL query', () => {
  test('with 50 nested parentheses succeeds', async () => {
    expect(
      await names(`${'('.repeat(20)}{ ${'('.repeat(30)}name = "hop 5"${')'.repeat(30)} }${')'.repeat(20)}`),
    ).toEqual(['hop 5'])
  })
})

describe('TraceQL link traversal', () => {
  test('finds successors of a trace of any age up to eight hops', async () => {
    const found = await names('{ name = "hop 0" } ->> { name =~ "hop.*" }')
    expect(found).toEqual(['hop 8', 'hop 7', 'hop 6', 'hop 5', 'hop 4', 'hop 3', 'hop 2', 'hop 1'])
  })

  test('finds predecessors of a trace up to eight hops', async () => {
    const response = await searchTraceQL(store, '{ name = "hop 11" } <<- { name =~ "hop.*" }', { start, end })
    expect(response.traces.map((trace) => trace.summary.rootName)).toEqual([
      'hop 10',
      'hop 9',
      'hop 8',
      'hop 7',
      'hop 6',
      'hop 5',
      'hop 4',
      'hop 3',
    ])
    expect(response.warnings).toEqual([])
  })

  test('is truncated with a warning after a fan-out of 1000 traces', async () => {
    const response = await searchTraceQL(store, '{ name = "source" } ->> { name = "target" }', {
      start,
      end,
      limit: 2000,
    })
    expect(response.traces.length).toBeGreaterThanOrEqual(1000)
    expect(response.warnings.join()).toContain('1000 traces')
  })
})

describe('hostile text in TraceQL', () => {
  const quoted = JSON.stringify(hostile).replaceAll('\u202e', '\\u202e')

  test.each([
    `{ name = ${quoted} }`,
    `{ span.${quoted} = ${quoted} }`,
    `{ resource.${quoted} = ${quoted} }`,
    `{ .${quoted} != nil }`,
    `{ resource.service.name = ${quoted} }`,
    `{ event:name = ${quoted} && event.${quoted} = ${quoted} }`,
    `{ .plain = "x" } | by(span.${quoted}) | select(resource.${quoted})`,
  ])('is matched literally by %j', async (query) => {
    expect(await names(query)).toEqual([hostile])
  })

  test('is passed in parameters and never in SQL', async () => {
    const statements: string[] = []
    const recording: Store = {
      ...store,
      query: (sql, params, options) => {
        statements.push(sql)
        return store.query(sql, params, options)
      },
    }
    const mark = 'zq9mark'
    const fields = ['span', 'resource', 'event', 'instrumentation', 'parent'].map((scope) => `${scope}.${mark}1`)
    for (const field of [...fields, `.${mark}2`, 'name', 'rootName', 'link:traceID', `link.${mark}3`]) {
      for (const condition of [`= "${mark}4"`, `!= "${mark}5"`, `=~ "${mark}6.*"`]) {
        await searchTraceQL(
          recording,
          `{ ${field} ${condition} } ->> { ${field} ${condition} } | select(span.${mark}7)`,
          { start, end },
        )
      }
    }
    await executeMetricsQuery(recording, `{ .${mark} = "${mark}" } | rate() by (span.${mark}8)`, {
      start,
      end,
      step: hour,
    })
    await listAttributeValues(recording, `span.${mark}9`, { start, end, prefix: mark })
    expect(statements.length).toBeGreaterThan(30)
    expect(statements.filter((sql) => sql.includes(mark))).toEqual([])
  }, 120_000)

  test('matches no span when random', async () => {
    const anything = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text !== '')
    await fc.assert(
      fc.asyncProperty(anything, anything, async (key, value) => {
        const query = `{ span.${JSON.stringify(key)} = ${JSON.stringify(value)} || .${JSON.stringify(key)} > ${JSON.stringify(value)} }`
        expect(await names(query)).toEqual([])
      }),
      // A query takes four times as long on two nodes.
      { numRuns: isOnCluster() ? 10 : 40 },
    )
  }, 120_000)
})

describe('TraceQL metrics', () => {
  test('with too many points are rejected', async () => {
    await expect(executeMetricsQuery(store, '{ } | rate()', { start, end, step: 1_000_000n })).rejects.toMatchObject({
      code: 'limit',
    })
  })

  test('with too many series are rejected', async () => {
    await expect(
      executeMetricsQuery(store, '{ } | rate() by (span.nth)', { start, end, step: hour }),
    ).rejects.toMatchObject({ code: 'limit' })
  })
})

describe('TraceQL completion', () => {
  // Long enough under load.
  const window = { start, end, timeoutMs: 60_000 }

  test('lists attribute keys with their scope, most used first, filtered by a prefix', async () => {
    expect(await foundKeys(store, { ...window, scope: 'span' })).toEqual([
      { field: 'span.nth', scope: 'span', key: 'nth' },
      { field: `span.${JSON.stringify(hostile)}`, scope: 'span', key: hostile },
      { field: 'span.plain', scope: 'span', key: 'plain' },
    ])
    expect((await foundKeys(store, { ...window, prefix: 'SERV' })).map((key) => key.field)).toEqual([
      'resource.service.name',
    ])
    expect((await foundKeys(store, { ...window, scope: 'link' })).map((key) => key.field)).toEqual(['link.hop'])
    expect((await foundKeys(store, { ...window, scope: 'event' })).map((key) => key.key)).toEqual([hostile])
    expect((await foundKeys(store, { ...window, scope: 'instrumentation' })).map((key) => key.field)).toEqual([
      'instrumentation.library',
    ])
  })

  test('lists values as text, filtered by a prefix', async () => {
    expect(await foundValues(store, 'resource.service.name', { ...window })).toEqual(
      expect.arrayContaining(['test', hostile]),
    )
    expect(await foundValues(store, '.plain', { ...window })).toEqual(['x'])
    expect(await foundValues(store, '.service.name', { ...window, prefix: 'te' })).toEqual(['test'])
    expect((await foundValues(store, 'span.nth', { ...window, prefix: '119' })).toSorted()).toEqual([
      '119',
      '1190',
      '1191',
      '1192',
      '1193',
      '1194',
      '1195',
      '1196',
      '1197',
      '1198',
      '1199',
    ])
    expect(await foundValues(store, 'name', { ...window, prefix: 'SOU' })).toEqual(['source'])
    expect(await foundValues(store, 'kind', { ...window })).toEqual(['internal'])
    expect(await foundValues(store, 'link.hop', { ...window, limit: 3 })).toHaveLength(3)
    expect(await foundValues(store, 'event:name', { ...window })).toEqual([hostile])
    expect(await foundValues(store, 'instrumentation:name', { ...window })).toEqual(['scope'])
    expect(await foundValues(store, `span.${JSON.stringify(hostile)}`, { ...window })).toEqual([hostile])
  })

  test.each(['rootName', 'parent.a', '1', 'duration > 1ms && name', '', 'a } || { b'])(
    'rejects a value list of %j',
    async (field) => {
      await expect(foundValues(store, field, { ...window })).rejects.toMatchObject({ name: 'TraceQLError' })
    },
  )
})
