import type { TopologyModel } from './topology-model.ts'
import { DEFAULT_ORDER, NODE_COLUMNS, type NodeOrder } from './sort-nodes.ts'
import { parseRecentRange, startOfRange, type RecentRange, writeRecentRange } from '../lib/recent-range.ts'
import { withParams } from '../lib/query-params.ts'

/** The state of the topology page, from its URL. */
export interface TopologyPageState {
  readonly last: RecentRange
  readonly text: string
  readonly onlyErrors: boolean
  /** The details panel shows a node or an edge. */
  readonly node: string | undefined
  readonly edge: string | undefined
  /** Only nodes around this one. */
  readonly focus: string | undefined
  readonly reach: number
  readonly all: boolean
  /** Sort order of the node list. */
  readonly order: NodeOrder
}

/** Props of the parts of the topology page. */
export interface TopologyProps {
  readonly model: TopologyModel
  readonly pageState: TopologyPageState
}

/** Edges that a focus spans: service, topic, group, service. */
export const REACH_STEP = 3
const MAX_REACH = 30

export function parseTopologyUrl(query: URLSearchParams): TopologyPageState {
  const reach = Math.round(Number(query.get('reach') ?? REACH_STEP))
  return {
    last: parseRecentRange(query.get('last')),
    text: query.get('q') ?? '',
    onlyErrors: query.get('errors') === '1',
    node: query.get('node') ?? undefined,
    edge: query.get('edge') ?? undefined,
    focus: query.get('focus') ?? undefined,
    reach: Number.isFinite(reach) ? Math.min(MAX_REACH, Math.max(1, reach)) : REACH_STEP,
    all: query.get('all') === '1',
    order: parseOrder(query.get('sort')),
  }
}

/** Parses `name`, or `-rate` for descending order. */
function parseOrder(text: string | null): NodeOrder {
  const by = NODE_COLUMNS.find((column) => column === text?.replace(/^-/, ''))
  return by === undefined ? DEFAULT_ORDER : { by, isAscending: text?.startsWith('-') !== true }
}

export function topologyUrl(pageState: Partial<TopologyPageState>): string {
  const { last, text, onlyErrors, focus, reach = REACH_STEP, all, order = DEFAULT_ORDER, node, edge } = pageState
  const isSorted = order.by !== DEFAULT_ORDER.by || order.isAscending
  return withParams('topology', {
    last: writeRecentRange(last),
    q: text,
    errors: onlyErrors && '1',
    focus,
    reach: focus !== undefined && reach !== REACH_STEP && String(reach),
    all: all && '1',
    sort: isSorted && `${order.isAscending ? '' : '-'}${order.by}`,
    node,
    edge: node === undefined && edge,
  })
}

export function topologyPath(pageState: Pick<TopologyPageState, 'last'>, nowMillis: number): string {
  return `api/topology?${new URLSearchParams({ start: startOfRange(pageState.last, nowMillis) })}`
}
