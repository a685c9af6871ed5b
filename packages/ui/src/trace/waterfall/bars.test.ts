import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { response, longTrace, span } from '../../../test/spans.ts'
import { visibleRows } from '../model/visible-rows.ts'
import { buildTraceModel } from '../model/trace-model.ts'
import { createCoverage } from '../../lib/canvas/coverage.ts'
import { computeMinimapBars } from './minimap-bars.ts'
import { MIN_BAR_WIDTH, computeWaterfallBars } from './waterfall-bars.ts'

const ranges = fc.array(fc.tuple(fc.integer({ min: -20, max: 140 }), fc.integer({ min: 0, max: 80 })), {
  maxLength: 40,
})

describe('pixel coverage', () => {
  test('has the same pixels as a set of them, for any ranges', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), ranges, (width, ranges) => {
        const covered = createCoverage(width)
        const pixels = new Set<number>()
        for (const [from, length] of ranges) {
          const before = pixels.size
          for (let x = Math.max(0, from); x < Math.min(width, from + length); x += 1) pixels.add(x)
          expect(covered.take(from, from + length)).toBe(pixels.size > before)
        }
        const coveredPixels = covered
          .runs()
          .flatMap(([from, to]) => Array.from({ length: to - from }, (_, x) => from + x))
        expect(coveredPixels).toEqual([...pixels].toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('waterfall bars', () => {
  const model = buildTraceModel(
    response([
      span(1, { for: 100 }),
      span(2, { parent: 1, at: 25, for: 50 }),
      span(3, { parent: 2, at: 30, for: 0.001 }),
    ]),
  )
  const barRequest = (collapsed: boolean) => ({
    rows: visibleRows(model, new Set(collapsed ? [model.spans[0]?.spanId ?? ''] : [])),
    first: 0,
    last: 10,
    window: { from: 0, to: 100e6 },
    width: 1000,
    isCollapsed: (position: number) => collapsed && position === 0,
  })

  test('are positioned by start and end', () => {
    const bars = computeWaterfallBars(model, barRequest(false))
    expect([...bars.x0]).toEqual([0, 250, 300])
    expect([...bars.x1]).toEqual([1000, 750, 300 + MIN_BAR_WIDTH])
  })

  test('are clipped just outside of the time window', () => {
    const bars = computeWaterfallBars(model, { ...barRequest(false), window: { from: 40e6, to: 60e6 } })
    expect([...bars.x0.subarray(0, 2)]).toEqual([-4, -4])
    expect([...bars.x1.subarray(0, 2)]).toEqual([1004, 1004])
    expect(bars.x1[2]).toBeLessThanOrEqual(0)
  })

  test('of a collapsed row show the merged bars of hidden spans', () => {
    const bars = computeWaterfallBars(model, barRequest(true))
    expect(bars.count).toBe(1)
    expect([...bars.hiddenX0]).toEqual([250])
    expect(bars.hiddenX1[0]).toBeGreaterThanOrEqual(750)
    expect(bars.hiddenX1[0]).toBeLessThanOrEqual(751)
  })

  test('mark events at their time, once per pixel', () => {
    const at = (nanos: number) => ({
      timeUnixNano: `${1_760_000_000_000n * 1_000_000n + BigInt(nanos)}`,
      name: 'e',
      attributes: [],
      droppedAttributesCount: 0,
    })
    const eventful = buildTraceModel(response([span(1, { for: 100, events: [at(10e6), at(10e6 + 5), at(50e6)] })]))
    expect([
      ...computeWaterfallBars(eventful, { ...barRequest(false), rows: visibleRows(eventful, new Set()) }).eventX,
    ]).toEqual([100, 500])
  })

  test('of a collapsed row with 100,000 spans have at most one run per two pixels', () => {
    const long = buildTraceModel(longTrace())
    const bars = computeWaterfallBars(long, {
      ...barRequest(true),
      rows: Int32Array.of(0),
      window: { from: 0, to: long.duration },
    })
    expect(bars.hiddenX0.length).toBeLessThanOrEqual(500)
    expect(bars.hiddenX0.length).toBeGreaterThan(0)
  })
})

describe('the minimap', () => {
  test('has at most as many bars as pixels', () => {
    const bars = computeMinimapBars(buildTraceModel(longTrace()), 300, 44)
    expect(bars.count).toBeLessThanOrEqual(300 * 44)
    expect(bars.count).toBeGreaterThan(44)
  })

  test('draws errors last, and every span that has its own pixel', () => {
    const model = buildTraceModel(
      response([
        span(1, { for: 100 }),
        span(2, { parent: 1, at: 10, for: 10, status: { code: 'error', message: '' } }),
        span(3, { parent: 1, at: 50, for: 10 }),
      ]),
    )
    expect([...computeMinimapBars(model, 100, 44).error]).toEqual([0, 0, 1])
  })
})
