import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executeMetricsQuery } from '../../src/traceql/metrics/metrics.ts'
import { parse } from '../../src/traceql/syntax/parse.ts'
import { parseSearch, searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { dataEnd, dataStart, makeSpans } from './dataset.ts'
import { evaluate } from './evaluate.ts'
import { loadSpans } from './load.ts'
import { randomSearch } from './random-query.ts'
import { evaluateMetrics } from './evaluate-metrics.ts'
import { metrics, searches } from './queries.ts'

const spans = makeSpans()
let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-traceql-'))
  store = await openEmbeddedStore(dir)
  await loadSpans(store, spans)
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

describe('a TraceQL query returns the result of a reference evaluation', () => {
  test.each(searches)('search %s', async (query) => {
    expect(await runSearch(query)).toEqual(getExpected(query))
  })

  test('random searches', async () => {
    await fc.assert(
      fc.asyncProperty(randomSearch(), async (query) => {
        expect(await runSearch(query)).toEqual(getExpected(query))
      }),
      { numRuns: 100 },
    )
  }, 120_000)

  test.each([
    '{ }',
    '{ kind = server } >> { kind = client }',
    '{ status = error } || { kind = consumer } && { span.step = 2 }',
    '{ } | by(name) | count() > 1',
    '{ kind = server } ->> { kind = consumer }',
    '({ kind = server } ->> { kind = consumer }) && { status = error }',
    '{ nestedSetRight > 8 }',
  ])('pages of %s contain each trace once in the order of a single page', async (query) => {
    const window = { start: dataStart, end: dataEnd }
    const whole = await searchTraceQL(store, query, { ...window, limit: 1000 })
    expect(whole.nextCursor).toBeUndefined()
    const ids: string[] = []
    for (let cursor: string | undefined; ;) {
      const page = await searchTraceQL(store, query, {
        ...window,
        limit: 7,
        ...(cursor === undefined ? {} : { cursor }),
      })
      ids.push(...page.traces.map((trace) => trace.summary.traceId))
      cursor = page.nextCursor
      if (cursor === undefined) break
      expect(page.traces).toHaveLength(7)
    }
    expect(ids).toEqual(whole.traces.map((trace) => trace.summary.traceId))
  })

  test.each(metrics)('metrics %s', async (text) => {
    const step = 600_000_000_000n
    const { series, warnings } = await executeMetricsQuery(store, text, { start: dataStart, end: dataEnd, step })
    const query = parse(text)
    if (query.kind !== 'metrics') throw new Error('the corpus has a search among its metrics')
    const expected = evaluateMetrics(query.metrics, spans, { start: dataStart, end: dataEnd, step })
    const found = new Map(series.map(({ labels, points }) => [JSON.stringify(labels), points]))
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
    for (const [name, points] of found) {
      const wanted = [...(expected.get(name) ?? [])].sort(([a], [b]) => a - b)
      expect(points.map((point) => Number((BigInt(point.timeUnixNano) - dataStart) / step))).toEqual(
        wanted.map(([at]) => at),
      )
      for (const [index, [, values]] of wanted.entries()) {
        const value = points[index]?.value ?? Number.NaN
        const off = Math.min(...values.map((each) => Math.abs(value - each) / Math.max(Math.abs(each), 1e-12)))
        // Quantiles come from a sketch with a relative error of 1 %.
        expect(off).toBeLessThan(text.includes('quantile') ? 0.011 : 1e-9)
      }
    }
    expect(warnings).toEqual([])
  })

  test('most corpus searches match some traces but not all', () => {
    const counts = searches.map((query) => evaluatedSearch(query).size)
    const traces = new Set(spans.map((span) => span.traceId)).size
    expect(searches.length).toBeGreaterThanOrEqual(150)
    expect(counts.filter((count) => count > 0 && count < traces).length).toBeGreaterThan(searches.length * 0.8)
  }, 120_000)
})

async function runSearch(query: string): Promise<unknown> {
  const window = { start: dataStart, end: dataEnd }
  const response = await searchTraceQL(store, query, { ...window, limit: 1000, spansPerSpanset: 1000 })
  const traces = response.traces.map((trace) => ({
    traceId: trace.summary.traceId,
    spansets: trace.spansets.map(({ group, spans, matched }) => ({
      labels: group.map(({ value }) => value),
      spanIds: spans.map((span) => span.spanId).sort(),
      matched,
    })),
  }))
  return { traces: sorted(traces), warnings: response.warnings }
}

const evaluated = new Map<string, ReturnType<typeof evaluate>>()

/** Evaluated once per query. */
function evaluatedSearch(query: string): ReturnType<typeof evaluate> {
  const result = evaluated.get(query) ?? evaluate(parseSearch(query).pipeline, spans)
  evaluated.set(query, result)
  return result
}

function getExpected(query: string): unknown {
  const traces = [...evaluatedSearch(query)].map(([traceId, spansets]) => ({
    traceId,
    spansets: spansets.map((spanset) => ({ ...spanset, matched: spanset.spanIds.length })),
  }))
  return { traces: sorted(traces), warnings: [] }
}

function sorted<Found extends { traceId: string; spansets: { labels: readonly unknown[] }[] }>(
  found: readonly Found[],
): Found[] {
  const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  return found
    .map((trace) => ({ ...trace, spansets: trace.spansets.toSorted((a, b) => byText(a.labels, b.labels)) }))
    .toSorted((a, b) => byText(a.traceId, b.traceId))
}
