import type { FlowResponse, FlowEdge, FlowLane } from '@spanlink/api-schema'
import { randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFlow } from '../../src/query/flows/find-flow.ts'
import { isOnCluster, openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { type GraphSpan, referenceFlow } from './flow-reference.ts'
import { linkTo, span, type TestSpan } from './kafka-spans.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/**
 * Spans that link to each other, some of them many at once as batches do; some traces are never
 * sent.
 */
const graphs = fc.integer({ min: 1, max: 14 }).chain((size) => {
  const spanOf = fc.tuple(fc.nat(size - 1), fc.nat(2))
  const link = fc.record({ from: spanOf, to: spanOf })
  const batch = fc
    .record({ from: spanOf, to: fc.array(spanOf, { minLength: 2, maxLength: 5 }) })
    .map(({ from, to }) => to.map((one) => ({ from, to: one })))
  return fc.record({
    children: fc.array(fc.nat(2), { minLength: size, maxLength: size }),
    links: fc
      .array(
        fc.oneof(
          link.map((one) => [one]),
          batch,
        ),
        { maxLength: 16 },
      )
      .map((all) => all.flat()),
    lost: fc.uniqueArray(fc.nat(size - 1), { maxLength: 2 }),
    opened: fc.nat(size - 1),
    joined: fc.boolean(),
    maxDepth: fc.oneof(fc.constant(64), fc.nat(3)),
    maxTraces: fc.integer({ min: 1, max: 20 }),
  })
})

test(
  'random flows match a reference graph search from the opened trace to its origin and down',
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        graphs,
        async ({ children, links: drawn, lost: lostOnes, opened, joined, maxDepth, maxTraces }) => {
          const lost = new Set(lostOnes)
          // An index that the trace does not have is its root.
          const within = ([trace, index]: GraphSpan): GraphSpan => [trace, index <= (children[trace] ?? 0) ? index : 0]
          const links = drawn.map(({ from, to }) => ({ from: within(from), to: within(to) }))
          const ids = children.map(() => randomTraceId()).sort()
          const ends = children.map((count, trace) =>
            Array.from({ length: count + 1 }, () => ({ traceId: ids[trace], spanId: randomSpanId() }) as TestSpan),
          )
          const at = ([trace, index]: GraphSpan): TestSpan => ends[trace]?.[index] as TestSpan
          const spans = ends.flatMap((ofTrace, trace) =>
            ofTrace.map((end, index) => ({
              ...span({ at: trace * 10 + index }),
              ...end,
              ...(index > 0 ? { parentSpanId: at([trace, 0]).spanId } : {}),
              links: links.filter(({ from }) => from[0] === trace && from[1] === index).map(({ to }) => linkTo(at(to))),
            })),
          )
          await traces.put(
            tracesOf(
              'graph',
              spans.filter(({ traceId }) => !lost.has(ids.indexOf(traceId))),
            ),
          )

          const lanes = new Map<string, FlowLane>()
          const edges = new Map<string, FlowEdge>()
          const missing: string[] = []
          let [cursor, isDeeper] = [undefined as string | undefined, false]
          let flow: FlowResponse | undefined
          do {
            flow = await findFlow(
              traces.store,
              ids[opened] ?? '',
              { maxDepth, maxTraces, includeJoined: joined, cursor },
              {},
            )
            for (const lane of flow?.lanes ?? []) lanes.set(lane.id, lane)
            for (const edge of flow?.edges ?? []) edges.set(edge.id, edge)
            missing.push(...(flow?.missingTraceIds ?? []))
            isDeeper ||= flow?.truncated.depth ?? false
            cursor = flow?.nextCursor
          } while (cursor !== undefined)

          const expected = referenceFlow({ children, lost, links }, opened, { maxDepth, joined })
          const isKnown = !lost.has(opened) || links.some(({ from, to }) => to[0] === opened && !lost.has(from[0]))
          const index = (traceId: string): number => ids.indexOf(traceId)
          expect(flow !== undefined).toBe(isKnown)
          if (flow === undefined) return
          const spanCounts = new Map<number, number>()
          for (const name of expected.spans)
            spanCounts.set(Number.parseInt(name, 10), (spanCounts.get(Number.parseInt(name, 10)) ?? 0) + 1)
          expect([...lanes.values()].map((lane) => [index(lane.traceId), lane.spanCount]).sort()).toEqual(
            [...spanCounts].sort(),
          )
          expect(missing.map(index).sort()).toEqual(
            [...expected.flowTraces].filter((trace) => !spanCounts.has(trace)).sort(),
          )
          expect(edges.size).toBe(expected.edges)
          expect(flow.origins.map(({ traceId }) => index(traceId))).toEqual(expected.origins)
          expect(flow.originCount).toBe(expected.origins.length)
          const others = [...lanes.values()].flatMap((lane) =>
            lane.joinedWith ? [[index(lane.traceId), lane.joinedWith.count]] : [],
          )
          const shown = [...expected.joinedWith].filter(([trace]) => spanCounts.has(trace))
          // Traces joined to a lane of an earlier page may turn out to belong to the flow.
          expect(maxTraces < expected.flowTraces.size ? [] : others.sort()).toEqual(
            maxTraces < expected.flowTraces.size ? [] : shown.sort(),
          )
          expect(isDeeper).toBe(expected.isDeeper)
        },
      ),
      // A query takes four times as long on two nodes.
      { numRuns: isOnCluster() ? 20 : 100 },
    )
  },
)
