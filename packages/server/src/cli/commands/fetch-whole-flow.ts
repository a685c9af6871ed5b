import type { FlowResponse } from '@spanlink/api-schema'
import { joinFlowPages } from '@spanlink/api-schema/join-flow-pages'

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
    flow = joinFlowPages(flow, await fetchPage(flow.nextCursor))
  return flow
}

function countTraces({ lanes, missingTraceIds }: FlowResponse): number {
  return new Set([...lanes.map((lane) => lane.traceId), ...missingTraceIds]).size
}
