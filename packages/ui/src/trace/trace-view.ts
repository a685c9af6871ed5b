import type { TraceSkeleton } from '@spanlink/api-schema'
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { criticalPath, type CriticalPath } from './model/critical-path.ts'
import { findSpans, mergeFound } from './model/find-spans.ts'
import {
  collectAncestorIds,
  collapsibleIds,
  hasChildren,
  isFolded,
  findRow,
  type Unfolded,
  visibleRows,
} from './model/visible-rows.ts'
import { isWhole, wholeWindow, type TimeWindow } from '../lib/time-window.ts'
import { buildTraceModel, type TraceModel } from './model/trace-model.ts'
import type { LinkedTarget } from './link-targets.ts'

/**
 * State of a displayed trace. Spans are referred to by id, so that state stays valid when late
 * spans arrive.
 */
export interface TraceView {
  readonly model: ReadonlySignal<TraceModel>
  readonly collapsed: Signal<ReadonlySet<string>>
  readonly unfolded: Signal<Unfolded>
  readonly rows: ReadonlySignal<Int32Array>
  readonly critical: ReadonlySignal<CriticalPath>
  readonly showsCritical: Signal<boolean>
  readonly window: Signal<TimeWindow>
  /** Id of the row that keyboard commands apply to. */
  readonly cursor: Signal<string>
  readonly cursorRow: ReadonlySignal<number>
  /** Set when a key moved the cursor: the row takes the focus too. */
  readonly wantsFocus: Signal<boolean>
  /** Loaded backlinks by target span. */
  readonly incoming: Signal<ReadonlyMap<string, readonly LinkedTarget[]>>
  /** Loaded link targets by the span that carries the links. */
  readonly outgoing: Signal<ReadonlyMap<string, readonly LinkedTarget[]>>
  readonly query: Signal<string>
  /** Ids of spans in which the server found the search text. */
  readonly found: Signal<readonly string[]>
  /** Enter was pressed before the response arrived: go to the first match when it arrives. */
  readonly wantsMatch: Signal<boolean>
  /** Increments with each response, which reloads details and links. */
  readonly revision: Signal<number>
  readonly matches: ReadonlySignal<Int32Array>
  readonly matchSet: ReadonlySignal<ReadonlySet<number>>
  /** Replaces the trace with a newer response. */
  readonly update: (response: TraceSkeleton) => void
}

/** Module-level, so that the choice persists across traces. */
const showsCritical = signal(true)

export function createTraceView(response: TraceSkeleton): TraceView {
  const model = signal(buildTraceModel(response))
  const collapsed = signal<ReadonlySet<string>>(new Set())
  const unfolded = signal<Unfolded>(new Set())
  const rows = computed(() => visibleRows(model.value, collapsed.value, unfolded.value))
  const window = signal(wholeWindow(model.peek().duration))
  const cursor = signal(model.peek().spans[0]?.spanId ?? '')
  const query = signal('')
  const found = signal<readonly string[]>([])
  const matches = computed(() => mergeFound(findSpans(model.value, query.value), model.value, found.value))
  return {
    model,
    collapsed,
    unfolded,
    rows,
    critical: computed(() => criticalPath(model.value)),
    showsCritical,
    window,
    cursor,
    cursorRow: computed(() => findRow(rows.value, model.value.positionById.get(cursor.value) ?? -1)),
    wantsFocus: signal(false),
    incoming: signal(new Map()),
    outgoing: signal(new Map()),
    query,
    found,
    wantsMatch: signal(false),
    revision: signal(0),
    matches,
    matchSet: computed(() => new Set(matches.value)),
    update(response) {
      const before = model.peek()
      const after = buildTraceModel(response)
      batch(() => {
        if (isWhole(window.peek(), before.duration)) window.value = wholeWindow(after.duration)
        model.value = after
      })
    },
  }
}

function spanIdAtRow(view: TraceView, row: number): string | undefined {
  const position = view.rows.value[row]
  return position === undefined ? undefined : view.model.value.spans[position]?.spanId
}

/** Id of the row `by` rows away, clamped to the first and last row. */
export function spanIdBeside(view: TraceView, by: number): string | undefined {
  const from = view.cursorRow.value
  return spanIdAtRow(view, Math.min(view.rows.value.length - 1, Math.max(0, from + by)))
}

/** Expands everything that hides a span. */
export function reveal(view: TraceView, position: number): void {
  unfoldTo(view, position)
  const collapsed = new Set(view.collapsed.peek())
  const before = collapsed.size
  for (const id of collectAncestorIds(view.model.peek(), position)) collapsed.delete(id)
  if (collapsed.size !== before) view.collapsed.value = collapsed
}

function unfoldTo(view: TraceView, position: number): void {
  const model = view.model.peek()
  const unfolded = view.unfolded.peek()
  if (unfolded === 'all') return
  const more = new Set(unfolded)
  for (let p = position; p >= 0; p = model.parent[p] ?? -1) {
    const first = model.folds.of[p] ?? -1
    // The first span of a group is visible as the group's row; its descendants are not.
    if (first >= 0 && (first !== position || p !== position)) more.add(model.spans[first]?.spanId ?? '')
  }
  if (more.size !== unfolded.size) view.unfolded.value = more
}

export function setFolded(view: TraceView, spanId: string, fold: boolean): void {
  const unfolded = view.unfolded.peek()
  const model = view.model.peek()
  const all =
    unfolded === 'all'
      ? model.spans.flatMap(({ spanId }, p) => ((model.folds.end[p] ?? 0) > 0 ? [spanId] : []))
      : unfolded
  const changed = new Set(all)
  if (fold) changed.delete(spanId)
  else changed.add(spanId)
  view.unfolded.value = changed
}

export function setCollapsed(view: TraceView, spanId: string, collapse: boolean): void {
  const collapsed = new Set(view.collapsed.peek())
  if (collapse) collapsed.add(spanId)
  else collapsed.delete(spanId)
  view.collapsed.value = collapsed
}

export function collapseAll(view: TraceView): void {
  const model = view.model.peek()
  let root = model.positionById.get(view.cursor.peek()) ?? 0
  while ((model.parent[root] ?? -1) >= 0) root = model.parent[root] ?? 0
  batch(() => {
    view.collapsed.value = collapsibleIds(model)
    view.unfolded.value = new Set()
    view.cursor.value = model.spans[root]?.spanId ?? ''
  })
}

export function expandAll(view: TraceView): void {
  view.unfolded.value = 'all'
  view.collapsed.value = new Set()
}

/** Left in a tree: collapse, else go to the parent. Returns the id of the span to move to. */
export function collapseOrAscend(view: TraceView): string | undefined {
  const model = view.model.peek()
  const position = model.positionById.get(view.cursor.peek()) ?? -1
  const spanId = model.spans[position]?.spanId
  if (spanId === undefined) return undefined
  if (hasChildren(model, position) && !view.collapsed.peek().has(spanId)) {
    setCollapsed(view, spanId, true)
    return spanId
  }
  return model.spans[model.parent[position] ?? -1]?.spanId ?? spanId
}

/** Right in a tree: expand, else go to the first child. Returns the id of the span to move to. */
export function expandOrDescend(view: TraceView): string | undefined {
  const model = view.model.peek()
  const position = model.positionById.get(view.cursor.peek()) ?? -1
  const spanId = model.spans[position]?.spanId
  if (spanId === undefined) return spanId
  if (isFolded(model, position, view.unfolded.peek())) {
    setFolded(view, spanId, false)
    return spanId
  }
  if (!hasChildren(model, position)) return spanId
  if (view.collapsed.peek().has(spanId)) {
    setCollapsed(view, spanId, false)
    return spanId
  }
  return model.spans[position + 1]?.spanId ?? spanId
}

/** The match after (`1`) or before (`-1`) the cursor, wrapping at the ends. */
export function matchBeside(view: TraceView, step: 1 | -1): number | undefined {
  const matches = view.matches.peek()
  if (matches.length === 0) return undefined
  const at = view.model.peek().positionById.get(view.cursor.peek()) ?? -1
  if (step === 1) return matches.find((position) => position > at) ?? matches[0]
  return matches.findLast((position) => position < at) ?? matches[matches.length - 1]
}
