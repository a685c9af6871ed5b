import type { Span } from '@spanlink/api-schema'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { response, longTrace, span, spanId } from '../../../test/spans.ts'
import { collectAncestorIds, collapsibleIds, findRow, visibleRows } from './visible-rows.ts'
import { buildTraceModel } from './trace-model.ts'

const names = (model: ReturnType<typeof buildTraceModel>): string[] => model.spans.map((span) => span.name)

describe('a trace model', () => {
  test('puts children below their parent, siblings by start', () => {
    const model = buildTraceModel(
      response([
        span(1, { for: 100 }),
        span(2, { parent: 1, at: 50 }),
        span(3, { parent: 1, at: 10 }),
        span(4, { parent: 3, at: 11 }),
      ]),
    )
    expect(names(model)).toEqual(['span 1', 'span 3', 'span 4', 'span 2'])
    expect([...model.depth]).toEqual([0, 1, 2, 1])
    expect([...model.subtreeEnd]).toEqual([4, 3, 3, 4])
  })

  test('has times relative to the earliest span', () => {
    const model = buildTraceModel(response([span(1, { at: 10, for: 5 }), span(2, { parent: 1, at: 3, for: 2 })]))
    expect([...model.start]).toEqual([7e6, 0])
    expect(model.duration).toBe(12e6)
  })

  test('marks a span with a missing parent as an orphan, but not a root', () => {
    const model = buildTraceModel(response([span(1), span(2, { parent: 99, at: 1 })]))
    expect([...model.orphan]).toEqual([0, 1])
    expect([...model.parent]).toEqual([-1, -1])
  })

  test('does not mark a root with a link to its producer as an orphan', () => {
    const link = { ...emptyLink, traceId: 'b'.repeat(32), spanId: spanId(7) }
    expect([...buildTraceModel(response([span(1, { links: [link] })])).orphan]).toEqual([0])
  })

  test('sums links and errors over each subtree', () => {
    const model = buildTraceModel(
      response([
        span(1, { for: 100 }),
        span(2, { parent: 1, at: 1, backlinkCount: 2 }),
        span(3, { parent: 2, at: 2, links: [emptyLink], status: { code: 'error', message: '' } }),
      ]),
    )
    expect([...model.below.linksIn]).toEqual([2, 2, 0])
    expect([...model.below.linksOut]).toEqual([1, 1, 1])
    expect([...model.below.errors]).toEqual([1, 1, 1])
  })

  test('gives a span that ends before its start a length of zero', () => {
    const model = buildTraceModel(response([span(1, { at: 10, for: -5 })]))
    expect(model.end[0]).toBe(model.start[0])
  })

  test('keeps times exact to the nanosecond', () => {
    const late: Span = {
      ...span(2, { parent: 1 }),
      startTimeUnixNano: '1760000000000000001',
      endTimeUnixNano: '1760000086400000000003',
    }
    const model = buildTraceModel(response([span(1), late]))
    expect(model.start[1]).toBe(1)
  })

  test('is empty without spans', () => {
    expect(buildTraceModel(response([])).count).toBe(0)
  })

  test('contains every span, parents before children, for any parent ids', () => {
    const parents = fc.array(fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(parents, fc.infiniteStream(fc.integer({ min: 0, max: 1000 })), (parents, starts) => {
        const spans = parents.map((parent, id) => span(id, { parent, at: starts.next().value }))
        const model = buildTraceModel(response(spans))
        expect(new Set(model.spans.map((span) => span.spanId)).size).toBe(spans.length)
        const astray = model.spans.filter((_, p) => {
          const above = model.parent[p] ?? -1
          const isNested =
            above < 0 || (p < (model.subtreeEnd[above] ?? 0) && model.depth[p] === (model.depth[above] ?? 0) + 1)
          return above >= p || (model.subtreeEnd[p] ?? 0) <= p || !isNested
        })
        expect(astray).toEqual([])
      }),
    )
  })

  test('holds 100,000 spans, also when each is the child of the previous one', () => {
    expect(buildTraceModel(longTrace()).count).toBe(100_000)
    const chain = Array.from({ length: 100_000 }, (_, id) =>
      span(id, { parent: id === 0 ? undefined : id - 1, at: id }),
    )
    const model = buildTraceModel(response(chain))
    expect(model.subtreeEnd[0]).toBe(100_000)
    expect(model.depth[99_999]).toBe(65_535)
  })
})

describe('visible rows of a trace', () => {
  const model = buildTraceModel(
    response([
      span(1, { for: 9 }),
      span(2, { parent: 1, at: 1 }),
      span(3, { parent: 2, at: 2 }),
      span(4, { parent: 1, at: 3 }),
    ]),
  )

  test('leave out the descendants of a collapsed span', () => {
    expect([...visibleRows(model, new Set([spanId(2)]))]).toEqual([0, 1, 3])
    expect([...visibleRows(model, collapsibleIds(model))]).toEqual([0])
    expect([...visibleRows(model, new Set())]).toEqual([0, 1, 2, 3])
  })

  test('have an index for each visible span, and none for a hidden one', () => {
    const rows = visibleRows(model, new Set([spanId(2)]))
    expect(findRow(rows, 3)).toBe(2)
    expect(findRow(rows, 2)).toBe(-1)
  })

  test('appear again when all ancestors of a span are expanded', () => {
    expect(collectAncestorIds(model, 2)).toEqual([spanId(2), spanId(1)])
  })
})

const emptyLink: Span['links'][number] = {
  traceId: '',
  spanId: '',
  traceState: '',
  flags: 0,
  attributes: [],
  droppedAttributesCount: 0,
  target: null,
  record: { cluster: '', topic: '', partition: '', offset: '', key: '' },
  queueTimeNano: null,
}
