import { DEFAULT_ORDER, NODE_COLUMNS, type NodeOrder } from './sort-nodes.ts'
import { parseRecentRange, startOfRange, type RecentRange } from '../lib/recent-range.ts'

/** What of the landscape is looked at, as its URL holds it. */
export interface TopologyPlace {
  readonly last: RecentRange
  readonly text: string
  readonly onlyErrors: boolean
  /** Details are of one of the two. */
  readonly node: string | undefined
  readonly edge: string | undefined
  /** Only what is around this node. */
  readonly focus: string | undefined
  readonly reach: number
  readonly all: boolean
  /** Of the list of nodes. */
  readonly order: NodeOrder
}

/** Over how many edges a focus reaches: service, topic, group, service. */
export const REACH_STEP = 3
const MOST_REACH = 30

export function topologyPlaceOf(query: URLSearchParams): TopologyPlace {
  const reach = Math.round(Number(query.get('reach') ?? REACH_STEP))
  return {
    last: parseRecentRange(query.get('last')),
    text: query.get('q') ?? '',
    onlyErrors: query.get('errors') === '1',
    node: query.get('node') ?? undefined,
    edge: query.get('edge') ?? undefined,
    focus: query.get('focus') ?? undefined,
    reach: Number.isFinite(reach) ? Math.min(MOST_REACH, Math.max(1, reach)) : REACH_STEP,
    all: query.get('all') === '1',
    order: orderOf(query.get('sort')),
  }
}

/** `name`, or `-rate` from the greatest down. */
function orderOf(text: string | null): NodeOrder {
  const by = NODE_COLUMNS.find((column) => column === text?.replace(/^-/, ''))
  return by === undefined ? DEFAULT_ORDER : { by, isAscending: text?.startsWith('-') !== true }
}

export function topologyUrl(place: Partial<TopologyPlace>): string {
  const query = new URLSearchParams()
  if (place.last !== undefined && place.last !== '1h') query.set('last', place.last)
  if (place.text !== undefined && place.text !== '') query.set('q', place.text)
  if (place.onlyErrors === true) query.set('errors', '1')
  if (place.focus !== undefined) query.set('focus', place.focus)
  if (place.focus !== undefined && place.reach !== undefined && place.reach !== REACH_STEP)
    query.set('reach', String(place.reach))
  if (place.all === true) query.set('all', '1')
  const { by, isAscending } = place.order ?? DEFAULT_ORDER
  if (by !== DEFAULT_ORDER.by || isAscending) query.set('sort', `${isAscending ? '' : '-'}${by}`)
  if (place.node !== undefined) query.set('node', place.node)
  else if (place.edge !== undefined) query.set('edge', place.edge)
  return query.size === 0 ? '/topology' : `/topology?${query}`
}

export function topologyPath(place: Pick<TopologyPlace, 'last'>, nowMillis: number): string {
  return `/api/topology?${new URLSearchParams({ start: startOfRange(place.last, nowMillis) })}`
}
