import type { Tool } from '../tool.ts'
import { compareFlows } from './compare-flows.ts'
import { findMessages } from './find-messages.ts'
import { getFlow } from './get-flow.ts'
import { getTopology } from './get-topology.ts'
import { getTrace } from './get-trace.ts'
import { queryMetrics } from './query-metrics.ts'
import { searchLogs } from './search-logs.ts'
import { searchTraces } from './search-traces.ts'

/** By name, in the order of the list. */
export const tools: ReadonlyMap<string, Tool> = new Map(
  [searchTraces, getFlow, getTrace, findMessages, getTopology, compareFlows, queryMetrics, searchLogs].map((tool) => [
    tool.name,
    tool,
  ]),
)
