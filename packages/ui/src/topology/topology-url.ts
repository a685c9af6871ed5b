import { DEFAULT_ORDER, NODE_COLUMNS, type NodeOrder } from './sort-nodes.ts'
import { parseRecentRange, startOfRange, type RecentRange } from '../lib/recent-range.ts'

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
  const query = new URLSearchParams()
  if (pageState.last !== undefined && pageState.last !== '1h') query.set('last', pageState.last)
  if (pageState.text !== undefined && pageState.text !== '') query.set('q', pageState.text)
  if (pageState.onlyErrors === true) query.set('errors', '1')
  if (pageState.focus !== undefined) query.set('focus', pageState.focus)
  if (pageState.focus !== undefined && pageState.reach !== undefined && pageState.reach !== REACH_STEP)
    query.set('reach', String(pageState.reach))
  if (pageState.all === true) query.set('all', '1')
  const { by, isAscending } = pageState.order ?? DEFAULT_ORDER
  if (by !== DEFAULT_ORDER.by || isAscending) query.set('sort', `${isAscending ? '' : '-'}${by}`)
  if (pageState.node !== undefined) query.set('node', pageState.node)
  else if (pageState.edge !== undefined) query.set('edge', pageState.edge)
  return query.size === 0 ? '/topology' : `/topology?${query}`
}

export function topologyPath(pageState: Pick<TopologyPageState, 'last'>, nowMillis: number): string {
  return `/api/topology?${new URLSearchParams({ start: startOfRange(pageState.last, nowMillis) })}`
}
