import { batch } from '@preact/signals'
import { windowBetween } from '../lib/time-window.ts'
import { visibleText } from '../lib/format/visible-text.ts'
import { flowPlaceOf, flowUrl, type FlowPlace } from './flow-url.ts'
import { waysFrom } from './model/next-hops.ts'
import { closeDetails, selectRow } from './flow-selection.ts'
import {
  expandGroups,
  foldGroups,
  rowIdBeside,
  rowIdOfLane,
  toggleLane,
  toggleRow,
  type FlowView,
} from './flow-view.ts'
import { bindKeys } from '../app/keyboard.ts'
import { place as urlPlace, push } from '../lib/url.ts'
import { announce } from '../app/announcer.tsx'
import { timeKeys } from '../components/tree/time-keys.ts'
import { openBranches } from './details/hop-dialog.tsx'

export function bindFlowKeys(view: FlowView, traceId: string): () => void {
  const here = (): FlowPlace => flowPlaceOf(traceId, urlPlace.peek().search)
  const go = (id: string | undefined): void => {
    if (id === undefined) return
    batch(() => {
      view.wantsFocus.value = true
      view.cursor.value = id
    })
    const at = here()
    if (at.lane !== undefined || at.span !== undefined) selectRow(view, at, id)
  }
  const move = (by: number) => () => go(rowIdBeside(view, by))
  return bindKeys({
    title: 'Flow',
    bindings: [
      { keys: ['j', 'ArrowDown'], does: 'Next row', run: move(1) },
      { keys: ['k', 'ArrowUp'], does: 'Previous row', run: move(-1) },
      { keys: ['Home'], does: 'First row', run: move(-Infinity) },
      { keys: ['End'], does: 'Last row', run: move(Infinity) },
      { keys: ['h', 'ArrowLeft'], does: 'Fold, or to the cause', run: () => go(foldOrAscend(view)) },
      { keys: ['l', 'ArrowRight'], does: 'Unfold, or to what it caused', run: () => go(unfoldOrDescend(view)) },
      { keys: ['Enter'], does: 'Details', run: () => selectRow(view, here(), view.cursor.peek()) },
      { keys: ['o'], does: 'All spans of the trace, in place', run: () => openHere(view) },
      { keys: [']'], does: 'Next hop', run: () => walk(view, 'effect', go) },
      { keys: ['['], does: 'Previous hop', run: () => walk(view, 'cause', go) },
      {
        keys: [']'],
        withMod: true,
        does: 'Choose the next hop',
        run: () => openBranches(view, 'effect'),
      },
      {
        keys: ['['],
        withMod: true,
        does: 'Choose the previous hop',
        run: () => openBranches(view, 'cause'),
      },
      { keys: ['C'], does: 'Group similar', run: () => foldGroups(view) },
      { keys: ['E'], does: 'Show all traces', run: () => expandGroups(view) },
      {
        keys: ['g'],
        does: 'Timeline or graph',
        run: () => {
          const at = here()
          if (at.against === undefined)
            push(flowUrl(traceId, { ...at, view: at.view === 'graph' ? 'timeline' : 'graph' }))
        },
      },
      ...timeKeys(view, 'The whole flow'),
      { keys: ['f'], does: 'Zoom to the row', run: () => zoomToCursor(view) },
      { keys: ['Escape'], does: 'Close the details', run: () => closeDetails(here()), whileTyping: true },
    ],
  })
}

function walk(view: FlowView, to: 'effect' | 'cause', go: (id: string | undefined) => void): void {
  const ways = waysFrom(view.model.peek(), view.rows.peek()[view.cursorRow.peek()], to)
  const way = ways.find((one) => rowIdOfLane(view, to === 'effect' ? one.toLane : one.fromLane) !== view.cursor.peek())
  if (way === undefined) {
    announce(to === 'effect' ? 'No downstream consumer.' : 'No upstream producer.')
    return
  }
  go(rowIdOfLane(view, to === 'effect' ? way.toLane : way.fromLane))
  const over = way.edge.topic === '' ? '' : ` over ${visibleText(way.edge.topic, 60)}`
  if (ways.length > 1)
    announce(
      `1 of ${ways.length} ${to === 'effect' ? 'next' : 'previous'} hops${over}. Ctrl or Cmd with the key chooses.`,
    )
}

function foldOrAscend(view: FlowView): string | undefined {
  const row = view.rows.peek()[view.cursorRow.peek()]
  if (row === undefined) return undefined
  if (row.kind === 'span' || row.kind === 'waiting' || row.kind === 'missing') return rowIdOfLane(view, row.lane)
  if (row.kind === 'group' ? row.isExpanded : row.isParent && !row.isFolded) {
    toggleRow(view, row)
    return row.id
  }
  const parent = view.model.peek().parent[row.kind === 'group' ? (row.members[0] ?? -1) : row.lane] ?? -1
  return parent < 0 ? row.id : rowIdOfLane(view, parent)
}

function unfoldOrDescend(view: FlowView): string | undefined {
  const row = view.rows.peek()[view.cursorRow.peek()]
  if (row === undefined || row.kind === 'span' || row.kind === 'waiting' || row.kind === 'missing') return row?.id
  if (row.kind === 'group' ? !row.isExpanded : row.isParent && row.isFolded) {
    toggleRow(view, row)
    return row.id
  }
  const next = view.rows.peek()[view.cursorRow.peek() + 1]
  return next !== undefined && next.depth > row.depth ? next.id : row.id
}

function openHere(view: FlowView): void {
  const row = view.rows.peek()[view.cursorRow.peek()]
  if (row === undefined) return
  if (row.kind === 'group') toggleRow(view, row)
  else toggleLane(view, row.lane)
}

function zoomToCursor(view: FlowView): void {
  const model = view.model.peek()
  const row = view.rows.peek()[view.cursorRow.peek()]
  if (row === undefined) return
  const lanes = row.kind === 'group' ? row.members : [row.lane]
  const start =
    row.kind === 'span' ? (row.spans.start[row.span] ?? 0) : Math.min(...lanes.map((lane) => model.start[lane] ?? 0))
  const end =
    row.kind === 'span' ? (row.spans.end[row.span] ?? 0) : Math.max(...lanes.map((lane) => model.end[lane] ?? 0))
  const air = (end - start) * 0.05
  view.window.value = windowBetween(start - air, end + air, model.duration)
}
