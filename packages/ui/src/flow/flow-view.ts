import type { FlowResponse, TraceResponse } from '@spanlink/api-schema'
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { buildFlowModel, type FlowModel } from './model/flow-model.ts'
import { buildFlowRows, findFoldsHiding, type FlowRow } from './timeline/flow-rows.ts'
import { laneSpans, type LaneSpans } from './model/lane-spans.ts'
import { isWhole, wholeWindow, type TimeWindow } from '../lib/time-window.ts'
import { ApiError, getJson } from '../lib/api.ts'

/**
 * A flow as it is being looked at. Everything is held by id, so that late traces come in without
 * moving anything.
 */
export interface FlowView {
  readonly model: ReadonlySignal<FlowModel>
  readonly rows: ReadonlySignal<readonly FlowRow[]>
  /** Lane -> the row that shows it or stands for it. */
  readonly rowByLane: ReadonlySignal<Int32Array>
  readonly window: Signal<TimeWindow>
  /** Id of the row that keys act on. */
  readonly cursor: Signal<string>
  readonly cursorRow: ReadonlySignal<number>
  readonly wantsFocus: Signal<boolean>
  readonly expanded: Signal<ReadonlySet<string>>
  readonly folded: Signal<ReadonlySet<string>>
  /**
   * Lanes open to all of their spans; a text says why they could not be had, undefined that they
   * are on their way.
   */
  readonly open: Signal<ReadonlyMap<string, LaneSpans | string | undefined>>
  readonly update: (response: FlowResponse) => void
  readonly stop: () => void
  readonly leaving: AbortSignal
}

/** `shared`: one time axis for several flows, at least so long. */
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
      // An earlier trace has come, and all times count from it: spans that are open have to be
      // placed anew.
      if (after.startUnixNano !== before.startUnixNano)
        for (const id of open.peek().keys()) void openLane(view, after.laneById.get(id) ?? -1)
    },
    stop: () => leaving.abort(),
    leaving: leaving.signal,
  }
  return view
}

/** A lane that is folded away stands on the row that hides it. */
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

/** The row `by` rows away, or the first or last one. */
export function findRowIdBeside(view: FlowView, by: number): string | undefined {
  const rows = view.rows.value
  return rows[Math.min(rows.length - 1, Math.max(0, view.cursorRow.value + by))]?.id
}

export function findLaneRowId(view: FlowView, lane: number): string | undefined {
  return view.rows.value[view.rowByLane.value[lane] ?? -1]?.id
}

/**
 * Gives a lane a row of its own: expands the groups that stand for it and unfolds what hides it.
 */
export function revealLane(view: FlowView, lane: number): void {
  if (view.rows.peek().some((row) => row.kind === 'lane' && row.lane === lane)) return
  const { groups, folds } = findFoldsHiding(view.model.peek(), lane)
  batch(() => {
    view.expanded.value = new Set([...view.expanded.peek(), ...groups])
    view.folded.value = new Set([...view.folded.peek()].filter((id) => !folds.includes(id)))
  })
}

/** What the twist of a row does: a group shows or hides its members, a lane what hangs below it. */
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
  // An expanded group may show groups below it.
  for (;;) {
    const hidden = view.rows.peek().filter((row) => row.kind === 'group' && !row.isExpanded)
    if (hidden.length === 0) return
    view.expanded.value = new Set([...view.expanded.peek(), ...hidden.map((row) => row.id)])
  }
}

/** Opens a lane to all of its spans, in place, or closes it again. */
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
    const trace = await getJson<TraceResponse>(`/api/traces/${encodeURIComponent(opened.traceId)}`, view.leaving)
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
