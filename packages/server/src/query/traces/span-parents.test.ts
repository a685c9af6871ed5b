import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findParents, PARENT_MISSING, ROOT, type TreeSpan, withUniqueSpanIds } from './span-parents.ts'
import type { Span, TraceResponse } from '@spanlink/api-schema'

const span = (spanId: string, parentSpanId: string, kind: TreeSpan['kind'], service: string): TreeSpan => ({
  spanId,
  parentSpanId,
  kind,
  service,
})

test("a server span that shares its id with a client span is its child and the parent of the id's children", () => {
  const spans = [
    span('a', '', 'server', 'web'),
    span('b', 'a', 'server', 'stock'),
    span('b', 'a', 'client', 'web'),
    span('c', 'b', 'internal', 'stock'),
    span('d', 'b', 'internal', 'web'),
    span('e', 'b', 'client', 'other'),
  ]
  expect([...findParents(spans)]).toEqual([ROOT, 2, 0, 1, 2, 1])
})

test('a server span with its own id as parent is a child of the client span, or its parent is missing', () => {
  const client = span('b', '', 'client', 'web')
  const server = span('b', 'b', 'server', 'stock')
  expect([...findParents([client, server])]).toEqual([ROOT, 0])
  expect([...findParents([server])]).toEqual([PARENT_MISSING])
})

const kinds = fc.constantFrom<TreeSpan['kind'][]>('client', 'server', 'internal', 'producer', 'consumer', 'unspecified')
const traces = fc.uniqueArray(
  fc.record({
    spanId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    parentSpanId: fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'missing'),
    kind: kinds,
    service: fc.constantFrom('x', 'y', 'z'),
  }),
  { selector: ({ spanId, kind, service }) => `${spanId} ${kind} ${service}`, maxLength: 15 },
)

test('parents are acyclic and have the parent id or the own id, for any shared ids', () => {
  fc.assert(
    fc.property(traces, (spans) => {
      const parents = findParents(spans)
      for (const [index, { spanId, parentSpanId }] of spans.entries()) {
        const parent = parents[index] as number
        const allowed = [spanId, parentSpanId, parent === ROOT ? '' : 'missing']
        expect(allowed).toContain(spans[parent]?.spanId ?? allowed[2])
        expect(depthOf(parents, index)).toBeLessThan(spans.length)
      }
    }),
  )
})

function depthOf(parents: Int32Array, index: number): number {
  let steps = 0
  for (let at = parents[index] as number; at >= 0 && steps <= parents.length; at = parents[at] as number) steps++
  return steps
}

test('withUniqueSpanIds makes span ids unique and keeps the tree', () => {
  fc.assert(
    fc.property(traces, (spans) => {
      const trace = { traceId: 't', spans: spans as unknown as Span[], sources: [] } satisfies TraceResponse
      const unique = withUniqueSpanIds(trace)
      const ids = unique.spans.map(({ spanId }) => spanId)
      expect(new Set(ids).size).toBe(spans.length)
      const isShared = new Set(spans.map(({ spanId }) => spanId)).size < spans.length
      expect(unique === trace).toBe(!isShared)
      const named = Array.from(findParents(spans), (parent, index) => ids[parent] ?? unique.spans[index]?.parentSpanId)
      expect(isShared ? unique.spans.map(({ parentSpanId }) => parentSpanId) : named).toEqual(named)
    }),
  )
})
