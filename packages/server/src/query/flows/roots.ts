import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { BY_IDS_SETTINGS, createTraceIdSet } from '../sql/id-parameters.ts'
import { filterByTraces } from '../sql/span-bucket.ts'
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
  const traces = createTraceIdSet('traceIds', traceIds)
  const rows = await store.query<RootName & { readonly traceId: string }>(
    `select lower(hex(trace_id)) as traceId, tupleElement(root, 1) as service, tupleElement(root, 2) as name
    from (
      select trace_id, argMin((service, name), (parent_span_id != toFixedString('', 8), start, span_id)) as root
      from spans
      where ${filterByTraces(traces.sql)}
      group by trace_id)
    ${BY_IDS_SETTINGS}`,
    traces.params,
    options,
  )
  return new Map(rows.map(({ traceId, service, name }) => [traceId, { service, name }]))
}
