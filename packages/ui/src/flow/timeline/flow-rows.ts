import type { FlowModel } from '../model/flow-model.ts'
import type { PlacedMissing } from '../model/placed-flow.ts'
import type { LaneSpans } from '../model/lane-spans.ts'

/** Minimum number of similar siblings that become one row. */
const MIN_GROUP_SIZE = 3

interface LaneRow {
  readonly kind: 'lane'
  readonly id: string
  readonly depth: number
  readonly lane: number
  /** True if the lane has children. */
  readonly isParent: boolean
  readonly isFolded: boolean
  readonly isOpen: boolean
}

/**
 * Siblings with the same service, name, topic and consumer group, shown as one row. `members` are
 * ordered by start.
 */
interface GroupRow {
  readonly kind: 'group'
  readonly id: string
  readonly depth: number
  readonly members: readonly number[]
  readonly isFolded: boolean
  readonly isExpanded: boolean
}

/** A span of an open lane. */
interface SpanRow {
  readonly kind: 'span'
  readonly id: string
  readonly depth: number
  readonly lane: number
  /** Index into `LaneSpans`. */
  readonly span: number
  readonly spans: LaneSpans
}

/** Placeholder for the spans of an open lane while they load, or their load error. */
interface LoadingRow {
  readonly kind: 'loading'
  readonly id: string
  readonly depth: number
  readonly lane: number
  readonly error: string | undefined
}

/** Placeholder for a consumer group that has not consumed messages that the parent lane sent. */
export interface MissingRow extends Omit<PlacedMissing, 'lane'> {
  readonly kind: 'missing'
  readonly id: string
  readonly depth: number
  /** The lane of the producer. */
  readonly lane: number
}

export type FlowRow = LaneRow | GroupRow | SpanRow | LoadingRow | MissingRow

export interface FlowFolds {
  /** Ids of groups that show their members. */
  readonly expanded: ReadonlySet<string>
  /** Ids of rows whose children are hidden. */
  readonly folded: ReadonlySet<string>
  /**
   * Ids of lanes that show all of their spans: the spans, an error message, or undefined while
   * loading.
   */
  readonly open: ReadonlyMap<string, LaneSpans | string | undefined>
}

/** Builds the visible rows: causes above effects, siblings by start, similar siblings grouped. */
export function buildFlowRows(model: FlowModel, folds: FlowFolds): FlowRow[] {
  const rows: FlowRow[] = []
  const missingOf = Map.groupBy(model.missing, ({ lane }) => lane)
  // One row per topic and consumer group, even if several lanes of a folded row sent to it.
  const placeMissing = (missing: readonly PlacedMissing[], depth: number, above: string): void => {
    for (const [key, some] of Map.groupBy(missing, ({ topic, consumerGroup }) =>
      JSON.stringify([topic, consumerGroup]),
    )) {
      const first = some.toSorted((a, b) => a.sentAt - b.sentAt)[0]
      if (first === undefined) continue
      const count = some.reduce((sum, one) => sum + one.count, 0)
      rows.push({ ...first, kind: 'missing', id: `${above}!${key}`, depth, count })
    }
  }
  const placeLane = (lane: number, depth: number): void => {
    const id = model.lanes[lane]?.id ?? ''
    const below = model.children[lane] ?? []
    const isFolded = folds.folded.has(id)
    const isOpen = folds.open.has(id)
    const missing = missingOf.get(lane) ?? []
    const isParent = below.length + missing.length > 0
    rows.push({ kind: 'lane', id, depth, lane, isParent, isFolded, isOpen })
    if (isOpen) placeSpans(lane, depth + 1)
    if (isFolded) return
    placeAll(below, depth + 1, id)
    placeMissing(missing, depth + 1, id)
  }
  const placeSpans = (lane: number, depth: number): void => {
    const id = model.lanes[lane]?.id ?? ''
    const spans = folds.open.get(id)
    if (typeof spans !== 'object') {
      rows.push({ kind: 'loading', id: `${id}/loading`, depth, lane, error: spans })
      return
    }
    for (let span = 0; span < spans.count; span += 1) {
      const spanDepth = depth + (spans.depth[span] ?? 0)
      rows.push({ kind: 'span', id: `${id}/${spans.spanId[span] ?? ''}`, depth: spanDepth, lane, span, spans })
    }
  }
  // The API bounds the recursion depth: at most 64 links in each direction.
  const placeAll = (lanes: readonly number[], depth: number, above: string): void => {
    for (const [groupKey, members] of Map.groupBy(lanes, (lane) => toGroupKey(model, lane))) {
      if (members.length < MIN_GROUP_SIZE) {
        for (const lane of members) placeLane(lane, depth)
        continue
      }
      const id = `${above}>${groupKey}`
      const isFolded = folds.folded.has(id)
      const isExpanded = folds.expanded.has(id)
      rows.push({ kind: 'group', id, depth, members, isFolded, isExpanded })
      if (isExpanded) for (const lane of members) placeLane(lane, depth + 1)
      else if (!isFolded) {
        placeAll(collectChildren(model, members), depth + 1, id)
        placeMissing(
          members.flatMap((lane) => missingOf.get(lane) ?? []),
          depth + 1,
          id,
        )
      }
    }
  }
  placeAll(model.roots, 0, '')
  return rows
}

/** Children of all lanes that a row stands for, ordered by start. */
function collectChildren(model: FlowModel, lanes: readonly number[]): number[] {
  return lanes
    .flatMap((lane) => model.children[lane] ?? [])
    .sort((a, b) => (model.start[a] ?? 0) - (model.start[b] ?? 0) || a - b)
}

/** Group key of similar siblings: service, name, topic, consumer group and edge role. */
function toGroupKey(model: FlowModel, lane: number): string {
  const { rootService, rootName } = model.lanes[lane] ?? { rootService: '', rootName: '' }
  const edge = model.edges[model.parentEdge[lane] ?? -1]?.edge
  return JSON.stringify([rootService, rootName, edge?.topic ?? '', edge?.consumerGroup ?? '', edge?.role ?? ''])
}

/** Finds the groups to expand and the rows to unfold so that a lane has its own row. */
export function findFoldsHiding(
  model: FlowModel,
  lane: number,
): { readonly groups: string[]; readonly folds: string[] } {
  const groups: string[] = []
  const folds: string[] = []
  const everything: FlowFolds = { expanded: new Set(), folded: new Set(), open: new Map() }
  const expanded = new Set<string>()
  // Each iteration expands one more group. Groups are at most as deeply nested as the lane.
  for (;;) {
    const rows = buildFlowRows(model, { ...everything, expanded })
    if (rows.some((row) => row.kind === 'lane' && row.lane === lane)) break
    const ancestors = collectAncestors(model, lane)
    const group = rows.find(
      (row) => row.kind === 'group' && !row.isExpanded && row.members.some((member) => ancestors.has(member)),
    )
    if (group === undefined) break
    expanded.add(group.id)
    groups.push(group.id)
  }
  for (const above of collectAncestors(model, lane)) if (above !== lane) folds.push(model.lanes[above]?.id ?? '')
  return { groups, folds: [...folds, ...groups] }
}

function collectAncestors(model: FlowModel, lane: number): Set<number> {
  const found = new Set<number>()
  for (let at = lane; at >= 0 && !found.has(at); at = model.parent[at] ?? -1) found.add(at)
  return found
}
