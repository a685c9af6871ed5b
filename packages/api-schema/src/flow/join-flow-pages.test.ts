import { expect, test } from 'vitest'
import type { FlowEdge, FlowLane, FlowResponse } from './flow.ts'
import { joinFlowPages } from './join-flow-pages.ts'

test('joined flow pages contain each lane and edge once, in order of start', () => {
  const first = page([lane('a', 1), lane('b', 10)], [edge('ab')], 'next')
  const second = page([lane('c', 5), { ...lane('b', 10), spanCount: 7 }], [edge('ab'), edge('ac')])
  const joined = joinFlowPages(first, second)
  expect(joined.lanes.map(({ id, spanCount }) => [id, spanCount])).toEqual([
    ['a', 1],
    ['c', 1],
    ['b', 7],
  ])
  expect(joined.edges.map(({ id }) => id)).toEqual(['ab', 'ac'])
  expect(joined.nextCursor).toBeUndefined()
})

test('a joined flow is incomplete when its first page may lack spans', () => {
  const first = { ...page([lane('a', 1)], [], 'next'), complete: false, missingParts: true as const }
  const joined = joinFlowPages(first, { ...page([lane('b', 2)], []), complete: true })
  expect(joined).toMatchObject({ complete: false, missingParts: true })
})

test('edges of an earlier page are marked by the critical path of the later one', () => {
  const segment = { edgeId: 'ab' }
  const second = { ...page([lane('c', 5)], []), criticalPath: { segments: [segment] } } as unknown as FlowResponse
  const joined = joinFlowPages(page([lane('a', 1)], [edge('ab'), edge('ad')], 'next'), second)
  expect(joined.edges.map(({ onCriticalPath }) => onCriticalPath)).toEqual([true, false])
})

function page(lanes: readonly FlowLane[], edges: readonly FlowEdge[], nextCursor?: string): FlowResponse {
  const cursor = nextCursor === undefined ? {} : { nextCursor }
  return { lanes, edges, missingTraceIds: [], criticalPath: null, ...cursor } as unknown as FlowResponse
}

function lane(id: string, start: number): FlowLane {
  return { id, startTimeUnixNano: String(start), spanCount: 1 } as FlowLane
}

function edge(id: string): FlowEdge {
  return { id, onCriticalPath: false } as FlowEdge
}
