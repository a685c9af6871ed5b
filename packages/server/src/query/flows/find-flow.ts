import { setImmediate } from 'node:timers/promises'
import type { FlowResponse, FlowQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { createCursorCodec } from '../sql/cursor.ts'
import { connectEdges } from './edges/connect-edges.ts'
import { expandFlow } from './load/expand.ts'
import { toFlowResponse, MAX_EXAMPLES } from './flow-response.ts'
import { selectParts } from './flow-parts.ts'
import { findJoinedEvents } from './load/joined-events.ts'
import { findMissingConsumers } from './missing-consumers.ts'
import { findOrigins } from './load/origins.ts'
import { findRootNames } from './roots.ts'
import { createTraceLoader } from './load/trace-loader.ts'

/** Limit of example traces of other events whose roots are looked up. */
const MAX_ROOTS = 300

/**
 * Finds the flow of a trace: all that its event caused, split into lanes, with the edges between
 * them. `undefined` if neither the trace nor a link to it is stored.
 *
 * @param traceId 32 lower-case hex digits
 */
export async function findFlow(
  store: Store,
  traceId: string,
  query: FlowQuery,
  options: QueryOptions,
): Promise<FlowResponse | undefined> {
  const { maxTraces = 200, maxDepth = 16, includeJoined = false } = query
  const after = query.cursor === undefined ? undefined : flowCursor.decode(query.cursor)
  const loader = createTraceLoader(store, options)
  const origins = await findOrigins(traceId, loader)
  const expanded = await expandFlow(traceId, origins, { maxTraces, maxDepth, includeJoined, after }, loader)
  const opened = expanded.traces.get(traceId)
  if (opened === undefined || (opened.links.length === 0 && opened.split.lanes.length === 0)) return undefined
  const parts = selectParts(expanded)
  const edges = connectEdges(parts)
  const others = findJoinedEvents(expanded)
  const examples = [...others.values()].flatMap((all) => all.slice(0, MAX_EXAMPLES).map((ref) => ref.traceId))
  const buildContent = async () => {
    const roots = await findRootNames(store, examples.slice(0, MAX_ROOTS), options)
    // Node sends the statements for missing consumers first: ClickHouse works at the same time.
    await setImmediate()
    const requested = { traceId, spanId: query.spanId?.toLowerCase() }
    return toFlowResponse(requested, { origins, expanded, parts, edges, joined: others, roots })
  }
  const [missingConsumers, content] = await Promise.all([
    findMissingConsumers(store, parts, edges, expanded, options),
    buildContent(),
  ])
  const last = expanded.positions.at(-1)
  const truncated = { ...expanded.truncated, ...loader.truncated() }
  return {
    traceId,
    ...content,
    missingConsumers,
    complete: !Object.values(truncated).some(Boolean),
    truncated,
    ...(truncated.traces && last !== undefined ? { nextCursor: flowCursor.encode(last) } : {}),
  }
}

const flowCursor = createCursorCodec('flow1', { depth: 'level', traceId: 'traceId' })
