import { randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { linkTo, span, type TestSpan } from './kafka-spans.ts'
import { wholeFlow } from './whole-flow.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/** Which trace links to which; some of the traces are never sent. */
const graphs = fc.integer({ min: 1, max: 40 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    links: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 60 }),
    lost: fc.uniqueArray(fc.nat(size - 1), { maxLength: 5 }),
    asked: fc.nat(size - 1),
    maxDepth: fc.integer({ min: 0, max: 40 }),
    maxTraces: fc.integer({ min: 1, max: 60 }),
  }),
)

test(
  'a flow is what plain graph search finds, either way, over pages and within its depth',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async ({ size, links, lost, asked, maxDepth, maxTraces }) => {
        const ends = Array.from(
          { length: size },
          () => ({ traceId: randomTraceId(), spanId: randomSpanId() }) as TestSpan,
        )
        const sent = links.filter(([from]) => !lost.includes(from))
        const spans = ends
          .map((end, index) => ({
            ...span({ at: index }),
            ...end,
            links: sent.filter(([from]) => from === index).map(([, to]) => linkTo(ends[to] as TestSpan)),
          }))
          .filter((_, index) => !lost.includes(index))
        await traces.put(tracesOf('graph', spans))

        const depths = search(size, sent, asked)
        const expected = ends.filter((_, index) => (depths.get(index) ?? Infinity) <= maxDepth)
        const expectedEdges = sent.filter((link) => link.every((end) => (depths.get(end) ?? Infinity) <= maxDepth))
        const found: string[] = []
        let edges = 0
        let cursor: string | undefined
        let isDeeper = false
        do {
          const flow = await wholeFlow(traces.store, ends[asked]?.traceId ?? '', { maxDepth, maxTraces, cursor })
          found.push(...(flow?.lanes.map((lane) => lane.traceId) ?? []), ...(flow?.missingTraceIds ?? []))
          edges += flow?.edges.length ?? 0
          isDeeper ||= flow?.truncated.depth ?? false
          cursor = flow?.nextCursor
        } while (cursor !== undefined)
        // A lost trace without links is unknown.
        const isUnknown = lost.includes(asked) && !sent.some((link) => link.includes(asked))
        expect(found.toSorted()).toEqual(isUnknown ? [] : expected.map((end) => end.traceId).toSorted())
        expect(edges).toBe(expectedEdges.length)
        expect(isDeeper).toBe([...depths.values()].some((depth) => depth > maxDepth))
      }),
      { numRuns: 60 },
    )
  },
)

/** Distance of each reachable node, links taken both ways. */
function search(size: number, links: readonly (readonly [number, number])[], from: number): Map<number, number> {
  const depths = new Map([[from, 0]])
  for (let round = 0; round < size; round++) {
    for (const [a, b] of links) {
      for (const [here, there] of [
        [a, b],
        [b, a],
      ] as const) {
        const next = (depths.get(here) ?? Infinity) + 1
        if (next < (depths.get(there) ?? Infinity)) depths.set(there, next)
      }
    }
  }
  return depths
}
