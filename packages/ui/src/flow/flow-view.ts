import type { FlowResponse, TraceResponse } from '@spanlink/api-schema'
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { buildFlowModel, type FlowModel } from './model/flow-model.ts'
import { buildFlowRows, findFoldsHiding, type FlowRow } from './timeline/flow-rows.ts'
import { laneSpans, type LaneSpans } from './model/lane-spans.ts'
import type { FlowPageState } from './flow-url.ts'
import { isWhole, wholeWindow, type TimeWindow } from '../lib/time-window.ts'
import { ApiError, getJson } from '../lib/api.ts'

/**
 * State of a displayed flow. State is keyed by id, so that it stays valid when traces arrive later.
 */
export interface FlowView {
  readonly model: ReadonlySignal<FlowModel>
  readonly rows: ReadonlySignal<readonly FlowRow[]>
  /** Maps a lane to the index of the row that shows it or hides it. */
  readonly rowByLane: ReadonlySignal<Int32Array>
  readonly window: Signal<TimeWindow>
  /** Id of the row that keyboard commands apply to. */
  readonly cursor: Signal<string>
  readonly cursorRow: ReadonlySignal<number>
  readonly wantsFocus: Signal<boolean>
  readonly expanded: Signal<ReadonlySet<string>>
  readonly folded: Signal<ReadonlySet<string>>
  /**
   * Lanes that show all of their spans: the spans, an error message, or undefined while loading.
   */
  readonly open: Signal<ReadonlyMap<string, LaneSpans | string | undefined>>
  readonly update: (response: FlowResponse) => void
  readonly stop: () => void
  readonly leaving: AbortSignal
}

/** Props of the parts of the flow page. */
export interface FlowProps {
  readonly view: FlowView
  readonly pageState: FlowPageState
}

/** `shared`: time window and minimum axis length (ns) that several flows share. */
export function createFlowView(
  response: FlowResponse,
  shared?: { readonly window: Signal<TimeWindow>; readonly minDuration: number },
): FlowView {
  const build = (of: FlowResponse): FlowModel => buildFlowModel(of, shared?.minDuration)
  const model = signal(build(response))
  const expanded = signal<ReadonlySet<string>>(new Set())
  const folded = signal<ReadonlySet<string>>(new Set())
  const open = signal<FlowView['open']['value']>(new Map())
  const rows = computed(() =>
    buildFlowRows(model.value, { expanded: expanded.value, folded: folded.value, open: open.value }),
  )
  const window = shared?.window ?? signal(wholeWindow(model.peek().duration))
  const cursor = signal(rows.peek()[0]?.id ?? '')
  const leaving = new AbortController()
  const view: FlowView = {
    model,
    rows,
    rowByLane: computed(() => mapLanesToRows(model.value, rows.value)),
    window,
    cursor,
    cursorRow: computed(() => rows.value.findIndex((row) => row.id === cursor.value)),
    wantsFocus: signal(false),
    expanded,
    folded,
    open,
    update(response) {
      const before = model.peek()
      const after = build(response)
      batch(() => {
        if (isWhole(window.peek(), before.duration)) window.value = wholeWindow(after.duration)
        model.value = after
      })
      // An earlier trace arrived and changed the origin of all times: reload the spans of open
      // lanes.
      if (after.startUnixNano !== before.startUnixNano)
        for (const id of open.peek().keys()) void openLane(view, after.laneById.get(id) ?? -1)
    },
    stop: () => leaving.abort(),
    leaving: leaving.signal,
  }
  return view
}

/** A hidden lane maps to the row that hides it. */
function mapLanesToRows(model: FlowModel, rows: readonly FlowRow[]): Int32Array {
  const found = new Int32Array(model.lanes.length).fill(-1)
  for (const [index, row] of rows.entries()) {
    if (row.kind === 'lane') found[row.lane] = index
    if (row.kind === 'group' && !row.isExpanded) for (const lane of row.members) found[lane] = index
  }
  const resolve = (lane: number): number => {
    if ((found[lane] ?? -1) < 0 && (model.parent[lane] ?? -1) >= 0) found[lane] = resolve(model.parent[lane] ?? -1)
    return found[lane] ?? -1
  }
  for (let lane = 0; lane < found.length; lane += 1) resolve(lane)
  return found
}

/** Id of the row `by` rows away, clamped to the first and last row. */
export function findRowIdBeside(view: FlowView, by: number): string | undefined {
  const rows = view.rows.value
  return rows[Math.min(rows.length - 1, Math.max(0, view.cursorRow.value + by))]?.id
}

export function findLaneRowId(view: FlowView, lane: number): string | undefined {
  return view.rows.value[view.rowByLane.value[lane] ?? -1]?.id
}

/** Gives a lane its own row: expands its groups and unfolds its ancestors. */
export function revealLane(view: FlowView, lane: number): void {
  if (view.rows.peek().some((row) => row.kind === 'lane' && row.lane === lane)) return
  const { groups, folds } = findFoldsHiding(view.model.peek(), lane)
  batch(() => {
    view.expanded.value = new Set([...view.expanded.peek(), ...groups])
    view.folded.value = new Set([...view.folded.peek()].filter((id) => !folds.includes(id)))
  })
}

/** Toggles a row: a group shows or hides its members, a lane its children. */
export function toggleRow(view: FlowView, row: FlowRow): void {
  const set = row.kind === 'group' ? view.expanded : view.folded
  if (row.kind !== 'group' && row.kind !== 'lane') return
  set.value = withToggled(set.peek(), row.id)
}

export function foldGroups(view: FlowView): void {
  batch(() => {
    const row = view.rows.peek()[view.cursorRow.peek()]
    view.expanded.value = new Set()
    view.open.value = new Map()
    if (row !== undefined && row.kind !== 'group') view.cursor.value = findLaneRowId(view, row.lane) ?? ''
  })
}

export function expandGroups(view: FlowView): void {
  view.folded.value = new Set()
  // An expanded group may contain groups.
  for (;;) {
    const hidden = view.rows.peek().filter((row) => row.kind === 'group' && !row.isExpanded)
    if (hidden.length === 0) return
    view.expanded.value = new Set([...view.expanded.peek(), ...hidden.map((row) => row.id)])
  }
}

/** Shows or hides all spans of a lane. */
export function toggleLane(view: FlowView, lane: number): void {
  const id = view.model.peek().lanes[lane]?.id
  if (id === undefined) return
  if (view.open.peek().has(id)) {
    const open = new Map(view.open.peek())
    open.delete(id)
    view.open.value = open
  } else void openLane(view, lane)
}

export async function openLane(view: FlowView, lane: number): Promise<void> {
  const { lanes } = view.model.peek()
  const opened = lanes[lane]
  if (opened === undefined) return
  const put = (spans: LaneSpans | string | undefined): void => {
    view.open.value = new Map(view.open.peek()).set(opened.id, spans)
  }
  put(undefined)
  try {
    const trace = await getJson<TraceResponse>(`api/traces/${encodeURIComponent(opened.traceId)}`, view.leaving)
    const model = view.model.peek()
    if (view.open.peek().has(opened.id)) put(laneSpans(trace.spans, opened, model.lanes, model.startUnixNano))
  } catch (error) {
    if (!view.leaving.aborted) put(error instanceof ApiError ? error.message : 'The spans could not be loaded.')
  }
}

export function isLaneOpen(view: FlowView, lane: number): boolean {
  return view.open.value.has(view.model.value.lanes[lane]?.id ?? '')
}

function withToggled(set: ReadonlySet<string>, id: string): Set<string> {
  const next = new Set(set)
  if (!next.delete(id)) next.add(id)
  return next
}
