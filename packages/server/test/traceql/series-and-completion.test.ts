import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TraceQLError } from '../../src/traceql/syntax/errors.ts'
import { getIntervalLength } from '../../src/traceql/metrics/intervals.ts'
import { executeMetricsQuery } from '../../src/traceql/metrics/metrics.ts'
import { listAttributeKeys } from '../../src/traceql/complete/attribute-keys.ts'
import { listAttributeValues } from '../../src/traceql/complete/attribute-values.ts'
import { parsePartialCondition, parseSpanCondition } from '../../src/traceql/analyze/span-condition.ts'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { openTestStore } from '../query/stored-traces.ts'
import { loadSpans } from './load.ts'
import { oneSpan } from './one-span.ts'
import type { TestSpan } from './spans.ts'

const foundKeys = async (...args: Parameters<typeof listAttributeKeys>) => (await listAttributeKeys(...args)).found
const foundValues = async (...args: Parameters<typeof listAttributeValues>) =>
  (await listAttributeValues(...args)).found

const second = 1_000_000_000n
// Long enough under load.
const timeoutMs = 60_000
const hour = 3600n * second
const callsStart = 1_790_000_000_000_000_000n

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-traceql-'))
  store = await openTestStore(dir)
  await loadSpans(store, [...calls(), ...linked()])
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** Spans ten minutes apart with distinct durations, of two services, one with versions. */
function calls(): TestSpan[] {
  return Array.from({ length: 12 }, (_, at) =>
    oneSpan('call', callsStart + BigInt(at) * 600n * second, {
      kind: at % 2 === 0 ? 'server' : 'client',
      status: at % 3 === 0 ? 'error' : 'unset',
      duration: BigInt(at + 1) * second,
      attributes: { code: at % 2 === 0 ? 500n : '500', ...(at === 4 ? { only: 'fourth' } : {}) },
      resource: { 'service.name': at < 6 ? 'old' : 'new', ...(at < 6 ? {} : { version: at < 9 ? 1.5 : 2n }) },
      events: [{ time: callsStart, name: at < 6 ? 'early' : 'late', attributes: {} }],
    }),
  )
}

/** Two spans, of which one carries a link to the other. */
function linked(): TestSpan[] {
  const resource = { 'service.name': 'old' }
  const target = oneSpan('sent', callsStart - second, { resource })
  const links = [{ traceId: target.traceId, spanId: target.spanId, attributes: { hop: 7n } }]
  return [target, oneSpan('taken', callsStart - second, { links, resource })]
}

describe('a TraceQL rate', () => {
  const step = 1200n * second
  const ratesTo = async (until: bigint) => {
    const request = { start: callsStart, end: until, step, timeoutMs }
    const { series, lastStep } = await executeMetricsQuery(store, '{ name = "call" } | rate()', request)
    return { rates: series[0]?.points.map(({ value }) => value), lastStep }
  }

  test('divides by the part of the last interval inside the requested range', async () => {
    const whole = await ratesTo(callsStart + 2n * step)
    expect(whole).toEqual({ rates: [1 / 600, 1 / 600], lastStep: step })
    const cut = await ratesTo(callsStart + step + 100n * second)
    expect(cut).toEqual({ rates: [1 / 600, 1 / 100], lastStep: 100n * second })
  })

  test('divides by at least one second', async () => {
    expect(await ratesTo(callsStart + step + 1n)).toEqual({ rates: [1 / 600, 1], lastStep: second })
  })

  test('divides by the elapsed part of the current interval', () => {
    const intervals = { start: 0n, end: 180n * second, step: 60n * second, count: 3, now: 150n * second }
    expect([0, 1, 2].map((at) => getIntervalLength(at, intervals) / second)).toEqual([60n, 60n, 30n])
    expect(getIntervalLength(2, { ...intervals, now: 60n * second })).toBe(60n * second)
  })
})

describe('labels of TraceQL series', () => {
  test('have the type that the values were sent with', async () => {
    const request = { start: callsStart, end: callsStart + 2n * hour, step: 2n * hour, timeoutMs }
    const labelsOf = async (query: string, field: string) =>
      (await executeMetricsQuery(store, query, request)).series.map(({ labels }) => labels[field])
    const codes = [
      { text: '500', type: 'int' },
      { text: '500', type: 'string' },
    ]
    const byCode = await labelsOf('{ name = "call" } | count_over_time() by (span.code)', 'span.code')
    expect(byCode).toEqual(expect.arrayContaining(codes))
    expect(byCode).toHaveLength(2)
    const ofTraces = '{ name = "call" } | count() > 0 | count_over_time() by (.code)'
    expect(await labelsOf(ofTraces, '.code')).toEqual(expect.arrayContaining(codes))
    expect(await labelsOf('{ name = "call" } | rate() by (.version)', '.version')).toEqual(
      expect.arrayContaining([null, { text: '1.5', type: 'float' }, { text: '2', type: 'int' }]),
    )
    expect(await labelsOf('{ name = "call" } | quantile_over_time(duration, .5)', 'p')).toEqual([
      { text: '0.5', type: 'float' },
    ])
  })
})

describe('exemplars of TraceQL series', () => {
  const request = { start: callsStart, end: callsStart + 2n * hour, step: hour, exemplars: 100, timeoutMs }
  const shownOf = async (query: string, more: object = {}) => {
    const { series } = await executeMetricsQuery(store, query, { ...request, ...more })
    const { traces } = await searchTraceQL(store, '{ name = "call" }', { ...request, limit: 100 })
    const known = new Map(
      traces.map(({ summary, spansets }) => [summary.traceId, spansets[0]?.spans[0]?.startTimeUnixNano]),
    )
    for (const { traceId, timeUnixNano } of series.flatMap(({ exemplars = [] }) => exemplars))
      expect(known.get(traceId)).toBe(timeUnixNano)
    return series.map(({ points, exemplars = [] }) => ({
      points: points.map(({ value }) => value),
      values: exemplars.map(({ value }) => value),
    }))
  }

  test('are the spans with the maximum and minimum values', async () => {
    expect(await shownOf('{ name = "call" } | max_over_time(duration)')).toEqual([{ points: [6, 12], values: [6, 12] }])
    expect(await shownOf('{ name = "call" } | min_over_time(duration)')).toEqual([{ points: [1, 7], values: [1, 7] }])
  })

  test('of counts have the value of their point, also in arithmetic of several queries', async () => {
    expect(await shownOf('{ name = "call" } | count_over_time()')).toEqual([{ points: [6, 6], values: [6, 6] }])
    const share = '({ name = "call" && status = error } | rate()) / ({ name = "call" } | rate())'
    const [{ points, values } = { points: [], values: [] }] = await shownOf(share)
    expect(points).toHaveLength(2)
    expect(values.toSorted()).toEqual([...points, ...points].toSorted())
  })

  test('include the slowest span in the highest quantile', async () => {
    const [, highest] = await shownOf('{ name = "call" } | quantile_over_time(duration, .1, 1)')
    expect(highest?.values).toEqual(expect.arrayContaining([6, 12]))
  })

  test('are returned for queries over whole traces', async () => {
    const query = '{ name = "call" } | count() = 1 | max_over_time(duration) by (kind)'
    expect(await shownOf(query)).toEqual(
      expect.arrayContaining([
        { points: [5, 11], values: expect.arrayContaining([5, 11]) },
        { points: [6, 12], values: expect.arrayContaining([6, 12]) },
      ]),
    )
  })

  test('are limited to the points kept by a second stage', async () => {
    expect(await shownOf('{ name = "call" } | max_over_time(duration) > 6')).toEqual([{ points: [12], values: [12] }])
  })

  test('are limited by the requested number, which a hint overrides', async () => {
    const query = '{ name = "call" } | rate() by (kind)'
    const count = async (text: string, exemplars: number): Promise<number> =>
      (await shownOf(text, { exemplars, step: 600n * second })).flatMap(({ values }) => values).length
    expect(await count(query, 0)).toBe(0)
    expect(await count(query, 3)).toBe(3)
    expect(await count(query, 100)).toBe(12)
    expect(await count(`${query} with (exemplars=true)`, 0)).toBe(12)
    expect(await count(`${query} with (exemplars=5)`, 3)).toBe(5)
    expect(await count(`${query} with (exemplars=false)`, 3)).toBe(0)
  })
})

describe('TraceQL completion with a filter', () => {
  const window = { start: callsStart, end: callsStart + 2n * hour, timeoutMs }
  const before = { start: callsStart - hour, end: callsStart, timeoutMs }
  const valuesOf = (field: string, query: string) =>
    foundValues(store, field, { ...window, condition: parsePartialCondition(query) })

  test.each([
    ['resource.service.name', '{ resource.version = 2 }', ['new']],
    ['resource.service.name', '{ status = error && kind = server }', ['new', 'old']],
    ['name', '{ resource.service.name = "old" }', ['call']],
    ['.code', '{ kind = client }', ['500']],
    ['.version', '{ span.code = 500 }', ['1.5', '2']],
    ['span.only', '{ .service.name = "old" }', ['fourth']],
    ['span.only', '{ .service.name = "new" }', []],
    ['event:name', '{ resource.version != nil }', ['late']],
    ['kind', '{ span.only = "fourth" || duration = 1s }', ['server']],
    ['resource.service.name', '{ event:name = "early" }', ['old']],
    // Incomplete, while typing
    ['resource.service.name', '{ resource.version = 2 && span.code = }', ['new']],
    ['resource.service.name', '{ resource.version = 2 && .only ', ['new']],
    ['resource.service.name', '{ resource.version = 2 && rootName = "x" } | rate()', ['new']],
    ['resource.service.name', '{ resource.version = 2 || span.code = }', ['new', 'old']],
    ['resource.service.name', '{ resource.version = 2 } && { resource.service.name = "old" }', ['new', 'old']],
  ])('lists values of %s for spans with %s', async (field, query, values) => {
    const found = await valuesOf(field, query)
    expect(found.toSorted()).toEqual(values)
  })

  test('lists link attribute values of matching spans', async () => {
    const hops = (query: string) => foundValues(store, 'link.hop', { ...before, condition: parseSpanCondition(query) })
    expect(await hops('{ name = "taken" }')).toEqual(['7'])
    expect(await hops('{ name = "sent" }')).toEqual([])
  })

  test('lists attribute keys of every scope of matching spans', async () => {
    const keysOf = async (query: string, from = window) =>
      (await foundKeys(store, { ...from, condition: parseSpanCondition(query) })).map(({ field }) => field).toSorted()
    expect(await keysOf('{ resource.service.name = "old" }')).toEqual([
      'instrumentation.library',
      'resource.service.name',
      'span.code',
      'span.only',
    ])
    expect(await keysOf('{ resource.version > 1.9 }')).toEqual([
      'instrumentation.library',
      'resource.service.name',
      'resource.version',
      'span.code',
    ])
    expect(await keysOf('{ name = "taken" }', before)).toContain('link.hop')
  })

  test.each(['{ rootName = "x" }', '{ } >> { }', '{ } | rate()', '{ .a = }', '{ } | by(name)'])(
    'rejects %s, which is not a span condition',
    (query) => {
      expect(() => parseSpanCondition(query)).toThrow(TraceQLError)
      expect(parsePartialCondition(query)).toBeUndefined()
    },
  )
})
