import type { FlowResponse } from '@spanlink/api-schema'

/**
 * Page after page until the flow is whole, or has `most` traces; `nextCursor` is left where there
 * are more.
 *
 * @param pageAt asks for one page, the first without a cursor
 */
export async function wholeFlow(
  pageAt: (cursor: string | undefined) => Promise<FlowResponse>,
  most: number,
): Promise<FlowResponse> {
  let flow = await pageAt(undefined)
  while (flow.nextCursor !== undefined && tracesOf(flow) < most) flow = together(flow, await pageAt(flow.nextCursor))
  return flow
}

function tracesOf({ lanes, missingTraceIds }: FlowResponse): number {
  return new Set([...lanes.map((lane) => lane.traceId), ...missingTraceIds]).size
}

/** Statistics and path of a page are of all pages up to it. */
function together(before: FlowResponse, page: FlowResponse): FlowResponse {
  const startOf = (lane: FlowResponse['lanes'][number]): bigint => BigInt(lane.startTimeUnixNano)
  return {
    ...page,
    // A lane that grew comes again.
    lanes: [...new Map([...before.lanes, ...page.lanes].map((lane) => [lane.id, lane])).values()].sort((a, b) =>
      startOf(a) < startOf(b) ? -1 : 1,
    ),
    edges: [...new Map([...before.edges, ...page.edges].map((edge) => [edge.id, edge])).values()],
    missingTraceIds: [...new Set([...before.missingTraceIds, ...page.missingTraceIds])],
  }
}
