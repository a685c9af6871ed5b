import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { response, longTrace, span } from '../../../test/spans.ts'
import { criticalPath } from './critical-path.ts'
import { buildTraceModel } from './trace-model.ts'

function findPath(spans: Parameters<typeof response>[0]) {
  const model = buildTraceModel(response(spans))
  const { first, from, to } = criticalPath(model)
  return model.spans.flatMap(({ name }, p) =>
    Array.from({ length: (first[p + 1] ?? 0) - (first[p] ?? 0) }, (_, i) => {
      const at = (first[p] ?? 0) + i
      return [name, (from[at] ?? 0) / 1e6, (to[at] ?? 0) / 1e6]
    }),
  )
}

describe('the critical path', () => {
  test('follows the child that ended last, then the sibling before it', () => {
    const spans = [
      span(1, { for: 100 }),
      span(2, { parent: 1, at: 10, for: 30 }),
      span(3, { parent: 1, at: 15, for: 20 }),
      span(4, { parent: 1, at: 50, for: 40 }),
    ]
    expect(findPath(spans)).toEqual([
      ['span 1', 0, 10],
      ['span 1', 40, 50],
      ['span 1', 90, 100],
      ['span 2', 10, 40],
      ['span 4', 50, 90],
    ])
  })

  test("follows a child that outlives its parent up to the parent's end", () => {
    expect(findPath([span(1, { for: 100 }), span(2, { parent: 1, at: 60, for: 200 })])).toEqual([
      ['span 1', 0, 60],
      ['span 2', 60, 100],
    ])
  })

  test('covers the longest root once, without gap or overlap', () => {
    const spanOf = fc.record({
      parent: fc.nat(),
      at: fc.integer({ min: 0, max: 100 }),
      for: fc.integer({ min: 0, max: 100 }),
    })
    fc.assert(
      fc.property(fc.array(spanOf, { maxLength: 30 }), (given) => {
        const spans = [
          span(1, { for: 100 }),
          ...given.map((one, i) => span(i + 2, { ...one, parent: 1 + (one.parent % (i + 1)) })),
        ]
        const segments = findPath(spans)
          .map(([, from, to]) => [Number(from), Number(to)] as const)
          .toSorted((a, b) => a[0] - b[0])
        let at = 0
        for (const [from, to] of segments) {
          expect(from).toBe(at)
          expect(to).toBeGreaterThan(from)
          at = to
        }
        expect(at).toBe(100)
      }),
    )
  })
})

describe('groups of similar siblings', () => {
  const many = (count: number) => [
    span(1, { for: 100 }),
    ...Array.from({ length: count }, (_, i) => span(i + 2, { parent: 1, at: i, for: 5, name: 'select' })),
    span(99, { parent: 50, at: 60, name: 'below' }),
  ]

  test('contain the subtrees of their members', () => {
    const { folds } = buildTraceModel(response(many(60)))
    expect(folds.size[1]).toBe(60)
    expect(folds.end[1]).toBe(62)
    expect(folds.lastEnd[1]).toBe(64e6)
  })

  test('are not made of few siblings, or of siblings that alternate', () => {
    expect(buildTraceModel(response(many(4))).folds.size.every((size) => size === 0)).toBe(true)
    const mixed = many(60).map((one, i) => ({ ...one, name: `select ${i % 2}` }))
    expect(buildTraceModel(response(mixed)).folds.size.every((size) => size === 0)).toBe(true)
  })

  test('contain only spans with the same name and their subtrees', () => {
    const model = buildTraceModel(longTrace(5000))
    for (let p = 0; p < model.count; p += 1) {
      const first = model.folds.of[p] ?? -1
      if (first < 0) continue
      expect(model.spans[p]?.name).toBe(model.spans[first]?.name)
      expect(p).toBeLessThan(model.folds.end[first] ?? 0)
    }
  })
})
