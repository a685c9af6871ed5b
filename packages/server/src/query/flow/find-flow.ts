import type { FlowAnswer, FlowQuery } from '@spanlink/contract'
import type { QueryOptions, Store } from '../../store/store.ts'
import { BadParameter } from '../bad-parameter.ts'
import { flowAnswer } from './flow-answer.ts'
import { linksFrom } from './load-links.ts'
import { type Place, reach } from './reach.ts'
import { spansOfSteps } from './spans-of-steps.ts'

/** How long the search goes on; what is found by then is the answer. */
const SEARCH_MS = 3_000

/**
 * The flow of a trace: every trace that links lead to from it, in either direction, cut into lanes, with the edges
 * between them. `undefined` when neither the trace nor a link to it is here.
 *
 * @param traceId 32 lower-case hex digits
 */
export async function findFlow(
  store: Store,
  traceId: string,
  query: FlowQuery,
  options: QueryOptions,
): Promise<FlowAnswer | undefined> {
  const { maxTraces = 200, maxDepth = 16, cursor } = query
  const after = parseCursor(cursor)
  const bounds = { maxTraces, maxDepth, after, deadline: performance.now() + SEARCH_MS }
  const spans = spansOfSteps(store, options)
  const reached = await reach(traceId, bounds, linksFrom(store), options, spans.add)
  const { rows, cut } = await spans.all()
  if (rows.length === 0 && reached.links.length === 0) return undefined
  const { traces, time } = reached.truncated
  const last = reached.traces.at(-1)
  const goesOn = (traces || time) && last !== undefined && reached.pageStart < reached.traces.length
  return {
    traceId,
    ...flowAnswer({ traceId, spanId: query.spanId?.toLowerCase() }, reached, rows),
    truncated: { ...reached.truncated, spans: cut },
    ...(goesOn ? { nextCursor: `${last.depth}.${last.traceId}` } : {}),
  }
}

function parseCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const [, depth, traceId] = /^([0-9]{1,2})\.([0-9a-f]{32})$/.exec(cursor) ?? []
  if (depth === undefined || traceId === undefined) {
    throw new BadParameter('cursor', 'cursor is not one that an earlier answer gave.')
  }
  return { depth: Number(depth), traceId }
}
