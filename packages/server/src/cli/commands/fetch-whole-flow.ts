import type { FlowResponse } from '@spanlink/api-schema'

/**
 * Fetches page after page to the end or to `maxTraces`; keeps `nextCursor` if there are more.
 *
 * @param fetchPage takes no cursor for the first page
 */
export async function fetchWholeFlow(
  fetchPage: (cursor: string | undefined) => Promise<FlowResponse>,
  maxTraces: number,
): Promise<FlowResponse> {
  let flow = await fetchPage(undefined)
  while (flow.nextCursor !== undefined && countTraces(flow) < maxTraces)
    flow = joinPages(flow, await fetchPage(flow.nextCursor))
  return flow
}

function countTraces({ lanes, missingTraceIds }: FlowResponse): number {
  return new Set([...lanes.map((lane) => lane.traceId), ...missingTraceIds]).size
}

/** Statistics and critical path of a page cover all pages up to it. */
function joinPages(before: FlowResponse, page: FlowResponse): FlowResponse {
  const toStart = (lane: FlowResponse['lanes'][number]): bigint => BigInt(lane.startTimeUnixNano)
  return {
    ...page,
    // A lane that grew is returned again.
    lanes: [...new Map([...before.lanes, ...page.lanes].map((lane) => [lane.id, lane])).values()].sort((a, b) =>
      toStart(a) < toStart(b) ? -1 : 1,
    ),
    edges: [...new Map([...before.edges, ...page.edges].map((edge) => [edge.id, edge])).values()],
    missingTraceIds: [...new Set([...before.missingTraceIds, ...page.missingTraceIds])],
  }
}
