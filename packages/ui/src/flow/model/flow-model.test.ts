import type { FlowResponse, FlowEdge, FlowLane } from '@spanlink/api-schema'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { computeFlowBars } from '../timeline/flow-bars.ts'
import { flowGraph } from '../graph/flow-graph.ts'
import { hitTestRow } from '../timeline/hit-test.ts'
import { buildFlowModel, type FlowModel } from './flow-model.ts'
import { buildFlowRows, findFoldsHiding, type FlowRow } from '../timeline/flow-rows.ts'
import { listFlowMessages } from './flow-messages.ts'

const NONE = { expanded: new Set<string>(), folded: new Set<string>(), open: new Map() }

describe('a flow model', () => {
  test('puts each lane below the lane that caused it', () => {
    const model = buildFlowModel(flow([lane(1), lane(2, 50), lane(3, 90)], [edge(1, 2), edge(2, 3)]))
    expect([...model.parent]).toEqual([-1, 0, 1])
    expect(model.children[0]).toEqual([1])
    expect(model.duration).toBe(120e6)
  })

  test('puts a lane with several causes below its cause on the critical path', () => {
    const model = buildFlowModel(
      flow([lane(1), lane(2, 5), lane(3, 90)], [edge(1, 3), edge(2, 3, { onCriticalPath: true })]),
    )
    expect(model.parent[2]).toBe(1)
  })

  test('of cyclic links has the earliest lane as its root', () => {
    const model = buildFlowModel(flow([lane(1), lane(2, 10), lane(3, 20)], [edge(1, 2), edge(2, 3), edge(3, 1)]))
    expect(model.roots).toHaveLength(1)
    expect(buildRows(model)).toHaveLength(3)
  })

  test('has each lane in one row or one group, for any links', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 25 }),
        fc.array(fc.tuple(fc.nat(24), fc.nat(24)), { maxLength: 60 }),
        (count, pairs) => {
          const lanes = Array.from({ length: count }, (_, nth) => lane(nth + 1, (nth * 37) % 200))
          const edges = pairs.filter(([a, b]) => a < count && b < count).map(([a, b]) => edge(a + 1, b + 1))
          const model = buildFlowModel(flow(lanes, edges))
          const shown = buildRows(model).flatMap((row) =>
            row.kind === 'group' ? row.members : row.kind === 'lane' ? [row.lane] : [],
          )
          expect(shown.toSorted((a, b) => a - b)).toEqual(lanes.map((_, index) => index))
        },
      ),
    )
  })
})

describe('a group of similar lanes', () => {
  const fanOut = buildFlowModel(
    flow(
      [lane(1), ...Array.from({ length: 12 }, (_, nth) => lane(nth + 2, 20 + nth, { rootName: 'process parcels' }))],
      Array.from({ length: 12 }, (_, nth) => edge(1, nth + 2)),
    ),
  )

  test('is one row, which shows its members when it is expanded', () => {
    const rows = buildRows(fanOut)
    expect(rows.map((row) => row.kind)).toEqual(['lane', 'group'])
    const expanded = buildFlowRows(fanOut, { ...NONE, expanded: new Set([rows[1]?.id ?? '']) })
    expect(expanded).toHaveLength(14)
  })

  test('is expanded to show one of its lanes', () => {
    const { groups } = findFoldsHiding(fanOut, 7)
    const rows = buildFlowRows(fanOut, { ...NONE, expanded: new Set(groups) })
    expect(rows.some((row) => row.kind === 'lane' && row.lane === 7)).toBe(true)
  })

  test('is one edge in the graph, with the median queue time', () => {
    const rows = buildRows(fanOut)
    const rowByLane = Int32Array.from(fanOut.lanes, (_, index) => (index === 0 ? 0 : 1))
    const graph = flowGraph(fanOut, rows, rowByLane)
    expect(graph.nodes).toHaveLength(2)
    expect(graph.edges).toMatchObject([{ count: 12, topic: 'orders', queueTime: 5e6 }])
  })
})

describe('a drawn flow', () => {
  const model = buildFlowModel(
    flow([lane(1), lane(2, 50), lane(3, 5)], [edge(1, 2, { onCriticalPath: true }, 30), edge(1, 3, {}, -5)]),
  )
  const rows = buildRows(model)
  const viewport = {
    rows,
    rowByLane: Int32Array.from(model.lanes, (_, index) =>
      rows.findIndex((row) => row.kind === 'lane' && row.lane === index),
    ),
    first: 0,
    last: rows.length,
    window: { from: 0, to: model.duration },
    width: 800,
  }

  test('has gaps as long as the queue time, also a negative one', () => {
    const { gaps } = computeFlowBars(model, viewport)
    expect(gaps).toHaveLength(2)
    const [skewed, plain] = gaps.toSorted((a, b) => a.nanos - b.nanos)
    expect(skewed?.nanos).toBeLessThan(0)
    expect(skewed?.x1).toBeLessThan(skewed?.x0 ?? 0)
    expect(plain).toMatchObject({ isCritical: true, isQueue: true, nanos: 30e6 })
  })

  test('has a gap from the start of the send when the consumer starts before its end, without a skew warning', () => {
    const overlap = buildFlowModel(flow([lane(1), lane(2, 14)], [edge(1, 2, {}, 4)]))
    const { gaps } = computeFlowBars(overlap, {
      ...viewport,
      rows: buildRows(overlap),
      rowByLane: Int32Array.of(0, 1),
      last: 2,
      window: { from: 0, to: 40e6 },
    })
    expect(gaps).toMatchObject([{ nanos: 4e6, x0: expect.closeTo(200), x1: expect.closeTo(280) }])
  })

  test('has no bars of rows outside the viewport, but edges to them', () => {
    const { bars, wires, gaps } = computeFlowBars(model, { ...viewport, first: 1, last: 2 })
    expect(new Set(bars.map((bar) => bar.row))).toEqual(new Set([0]))
    expect(wires.every((wire) => Math.max(wire.fromRow, wire.toRow) >= 0)).toBe(true)
    expect(gaps).toHaveLength(1)
  })

  test('has no bars outside of its canvas at any zoom', () => {
    fc.assert(
      fc.property(fc.nat(80_000_000), fc.integer({ min: 100, max: 80_000_000 }), (from, length) => {
        const { bars } = computeFlowBars(model, { ...viewport, window: { from, to: from + length } })
        for (const { x0, x1 } of bars) {
          expect(x0).toBeGreaterThanOrEqual(-8)
          expect(x1).toBeLessThanOrEqual(808)
          expect(x1).toBeGreaterThanOrEqual(x0)
        }
      }),
    )
  })

  test('finds the linked span, the gap before it or the lane at a time on a row', () => {
    const consumer = rows.find((row) => row.kind === 'lane' && row.lane === 2) as FlowRow
    expect(hitTestRow(model, consumer, 35e6, 0)).toMatchObject({ kind: 'edge' })
    expect(hitTestRow(model, consumer, 55e6, 0)).toMatchObject({ kind: 'lane' })
    expect(hitTestRow(model, rows[0] as FlowRow, 15e6, 0)).toMatchObject({ kind: 'span', spanId: spanId(101) })
  })
})

describe('a consumer group without a process span', () => {
  const sent = (nth: number, waited: number) => ({
    cluster: '',
    topic: 'orders',
    partition: '0',
    offset: '1',
    consumerGroup: 'email',
    producer: { traceId: traceId(nth), spanId: spanId(nth + 100), laneId: traceId(nth) },
    waitNano: `${waited}000000`,
  })

  test("has a row below the producer's lane with the message count and a gap to the end of the axis", () => {
    const model = buildFlowModel({
      ...flow([lane(1), lane(2, 50)], [edge(1, 2, {}, 30)]),
      missingConsumers: [sent(1, 900), sent(1, 800)],
    })
    const rows = buildRows(model)
    expect(rows.map(({ kind, depth }) => [kind, depth])).toEqual([
      ['lane', 0],
      ['lane', 1],
      ['missing', 1],
    ])
    expect(rows[2]).toMatchObject({ consumerGroup: 'email', topic: 'orders', count: 2, sentAt: 20e6 })
    const { gaps } = computeFlowBars(model, {
      rows,
      rowByLane: Int32Array.of(0, 1),
      first: 0,
      last: 3,
      window: { from: 0, to: 80e6 },
      width: 800,
    })
    expect(gaps.find(({ row }) => row === 2)).toMatchObject({
      nanos: 900e6,
      x0: expect.closeTo(200),
      x1: expect.closeTo(800),
      isQueue: true,
    })
    const graph = flowGraph(model, rows, Int32Array.of(0, 1))
    expect(graph.nodes).toHaveLength(3)
    expect(graph.edges).toContainEqual(expect.objectContaining({ topic: 'orders', count: 2, queueTime: 900e6 }))
  })

  test('has one row below a group of producer lanes', () => {
    const model = buildFlowModel({
      ...flow(
        [lane(1), ...[2, 3, 4].map((nth) => lane(nth, 20 + nth, { rootName: 'process parcels' }))],
        [2, 3, 4].map((nth) => edge(1, nth)),
      ),
      missingConsumers: [sent(2, 9), sent(4, 7)],
    })
    expect(buildRows(model).map(({ kind }) => kind)).toEqual(['lane', 'group', 'missing'])
    expect(buildRows(model)[2]).toMatchObject({ count: 2 })
  })
})

test('each truncation of a flow, and clock skew, has its own message', () => {
  const complete = flow([lane(1)], [])
  expect(listFlowMessages(complete)).toEqual([])
  for (const bound of ['traces', 'depth', 'fanOut', 'spans'] as const)
    expect(listFlowMessages({ ...complete, truncated: { ...complete.truncated, [bound]: true } })).toHaveLength(1)
  expect(listFlowMessages({ ...complete, missingParts: true })[0]?.text).toContain('cannot be read')
  const skewed = { ...complete, statistics: { ...complete.statistics, negativeQueueTimeCount: 2 } }
  expect(listFlowMessages(skewed)[0]?.text).toContain('Clock skew: 2 messages were consumed before the send')
})

function buildRows(model: FlowModel): FlowRow[] {
  return buildFlowRows(model, NONE)
}

/** A lane of 30 ms with a root and, from its 10th to its 20th, a send. Times are milliseconds. */
function lane(nth: number, at = 0, more: Partial<FlowLane> = {}): FlowLane {
  return {
    id: traceId(nth),
    traceId: traceId(nth),
    rootSpanId: spanId(nth),
    rootService: `service-${nth}`,
    rootName: `work ${nth}`,
    rootMissing: false,
    startTimeUnixNano: nano(at),
    endTimeUnixNano: nano(at + 30),
    durationNano: '30000000',
    spanCount: 2,
    errorCount: 0,
    services: [],
    depth: 0,
    hiddenLinks: 0,
    spans: [flowSpan(spanId(nth), at, at + 30, 'process'), flowSpan(spanId(nth + 100), at + 10, at + 20, 'send')],
    ...(more.rootName === undefined ? {} : { rootService: 'shipping' }),
    ...more,
  }
}

function flowSpan(spanId: string, from: number, to: number, operation: 'send' | 'process'): FlowLane['spans'][number] {
  return {
    spanId,
    parentSpanId: '',
    service: 'shop',
    name: operation,
    kind: 'internal',
    status: 'unset',
    startTimeUnixNano: nano(from),
    endTimeUnixNano: nano(to),
    operation,
    topic: 'orders',
    consumerGroup: '',
  }
}

function edge(from: number, to: number, more: Partial<FlowEdge> = {}, queueTime = 5): FlowEdge {
  return {
    id: `${from}-${to}`,
    from: { traceId: traceId(from), spanId: spanId(from + 100), laneId: traceId(from), service: 's', name: 'n' },
    to: { traceId: traceId(to), spanId: spanId(to), laneId: traceId(to), service: 's', name: 'n' },
    via: 'link',
    role: 'message',
    cluster: '',
    topic: 'orders',
    partition: '',
    offset: '',
    key: '',
    consumerGroup: '',
    queueTimeNano: `${queueTime}000000`,
    onCriticalPath: false,
    ...more,
  }
}

function flow(lanes: FlowLane[], edges: FlowEdge[]): FlowResponse {
  return {
    traceId: traceId(1),
    title: null,
    origins: [],
    originCount: 0,
    missingConsumers: [],
    lanes: lanes.toSorted((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano))),
    edges,
    missingTraceIds: [],
    statistics: {
      endToEndNano: '0',
      processingNano: '0',
      queueNano: '0',
      idleNano: '0',
      queueTotalNano: '0',
      negativeQueueTimeCount: 0,
      spanCount: 0,
      errorCount: 0,
      traceCount: lanes.length,
    },
    criticalPath: null,
    complete: true,
    truncated: { traces: false, depth: false, fanOut: false, spans: false },
  }
}

function traceId(nth: number): string {
  return nth.toString(16).padStart(32, '0')
}

function spanId(nth: number): string {
  return nth.toString(16).padStart(16, '0')
}

function nano(millis: number): string {
  return String(1_760_000_000_000_000_000n + BigInt(millis) * 1_000_000n)
}
