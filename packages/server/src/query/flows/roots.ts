import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { fetchTraceHeads } from '../trace-rows/fetch-trace-rows.ts'
import { spanHead } from '../trace-rows/head-sql.ts'
import type { FlowSpanRow } from './flow-span.ts'
import type { DividedTrace } from './load/lane-sections.ts'

/**
 * Finds the earliest span without a parent, else the earliest. `undefined` if no span is stored.
 */
export function findRoot({ split }: DividedTrace): FlowSpanRow | undefined {
  let root: FlowSpanRow | undefined
  for (const { spans } of split.lanes) {
    for (const { span } of spans) if (root === undefined || isBefore(span, root)) root = span
  }
  return root
}

function isBefore(a: FlowSpanRow, b: FlowSpanRow): boolean {
  const [rootA, rootB] = [a.parentSpanId === '', b.parentSpanId === '']
  if (rootA !== rootB) return rootA
  return a.start === b.start ? a.spanId < b.spanId : a.start < b.start
}

export type RootName = { readonly service: string; readonly name: string }

/** Finds roots of traces outside the flow, by trace id. Traces that are not stored are absent. */
export async function findRootNames(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, RootName>> {
  if (traceIds.length === 0) return new Map()
  const isRoot = `${spanHead.parent} = unhex('${'0'.repeat(16)}')`
  const rest = `order by trace_id, ${isRoot} desc, ${spanHead.start}, span_id limit 1 by trace_id`
  const { spans } = await fetchTraceHeads(store, { traceIds, type: 'span', rest }, options)
  return new Map(spans.map(({ traceId, service, name }) => [traceId, { service, name }]))
}
