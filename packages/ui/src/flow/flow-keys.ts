import { batch } from '@preact/signals'
import { windowBetween } from '../lib/time-window.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { parseFlowUrl, flowUrl, type FlowPageState } from './flow-url.ts'
import { findNextHops } from './model/next-hops.ts'
import { closeDetails, selectRow } from './flow-selection.ts'
import {
  expandGroups,
  foldGroups,
  findRowIdBeside,
  findLaneRowId,
  toggleLane,
  toggleRow,
  type FlowView,
} from './flow-view.ts'
import { bindKeys } from '../app/keyboard.ts'
import { pageState as currentPage, push } from '../lib/url.ts'
import { announce } from '../app/announcer.tsx'
import { timeKeys } from '../components/tree/time-keys.ts'
import { openHopDialog } from './details/hop-dialog.tsx'

export function bindFlowKeys(view: FlowView, traceId: string): () => void {
  const here = (): FlowPageState => parseFlowUrl(traceId, currentPage.peek().search)
  const go = (id: string | undefined): void => {
    if (id === undefined) return
    batch(() => {
      view.wantsFocus.value = true
      view.cursor.value = id
    })
    const at = here()
    if (at.lane !== undefined || at.span !== undefined) selectRow(view, at, id)
  }
  const move = (by: number) => () => go(findRowIdBeside(view, by))
  return bindKeys({
    title: 'Flow',
    bindings: [
      { keys: ['j', 'ArrowDown'], does: 'Next row', run: move(1) },
      { keys: ['k', 'ArrowUp'], does: 'Previous row', run: move(-1) },
      { keys: ['Home'], does: 'First row', run: move(-Infinity) },
      { keys: ['End'], does: 'Last row', run: move(Infinity) },
      { keys: ['h', 'ArrowLeft'], does: 'Collapse, or go to cause', run: () => go(foldOrAscend(view)) },
      { keys: ['l', 'ArrowRight'], does: 'Expand, or go to effect', run: () => go(unfoldOrDescend(view)) },
      { keys: ['Enter'], does: 'Details', run: () => selectRow(view, here(), view.cursor.peek()) },
      { keys: ['o'], does: 'Show or hide spans', run: () => openHere(view) },
      { keys: [']'], does: 'Next hop', run: () => goToNextHop(view, 'effect', go) },
      { keys: ['['], does: 'Previous hop', run: () => goToNextHop(view, 'cause', go) },
      {
        keys: [']'],
        withMod: true,
        does: 'Choose the next hop',
        run: () => openHopDialog(view, 'effect'),
      },
      {
        keys: ['['],
        withMod: true,
        does: 'Choose the previous hop',
        run: () => openHopDialog(view, 'cause'),
      },
      { keys: ['C'], does: 'Group similar', run: () => foldGroups(view) },
      { keys: ['E'], does: 'Show all traces', run: () => expandGroups(view) },
      {
        keys: ['g'],
        does: 'Toggle timeline and graph',
        run: () => {
          const at = here()
          if (at.against === undefined)
            push(flowUrl(traceId, { ...at, view: at.view === 'graph' ? 'timeline' : 'graph' }))
        },
      },
      ...timeKeys(view, 'Reset zoom'),
      { keys: ['f'], does: 'Zoom to the row', run: () => zoomToCursor(view) },
      { keys: ['Escape'], does: 'Close details', run: () => closeDetails(here()), whileTyping: true },
    ],
  })
}

function goToNextHop(view: FlowView, to: 'effect' | 'cause', go: (id: string | undefined) => void): void {
  const hops = findNextHops(view.model.peek(), view.rows.peek()[view.cursorRow.peek()], to)
  const hop = hops.find(
    (one) => findLaneRowId(view, to === 'effect' ? one.toLane : one.fromLane) !== view.cursor.peek(),
  )
  if (hop === undefined) {
    announce(to === 'effect' ? 'No downstream consumer.' : 'No upstream producer.')
    return
  }
  go(findLaneRowId(view, to === 'effect' ? hop.toLane : hop.fromLane))
  const over = hop.edge.topic === '' ? '' : ` over ${sanitizeText(hop.edge.topic, 60)}`
  if (hops.length > 1)
    announce(
      `1 of ${hops.length} ${to === 'effect' ? 'next' : 'previous'} hops${over}. Ctrl or Cmd with the key lists all.`,
    )
}

function foldOrAscend(view: FlowView): string | undefined {
  const row = view.rows.peek()[view.cursorRow.peek()]
  if (row === undefined) return undefined
  if (row.kind === 'span' || row.kind === 'loading' || row.kind === 'missing') return findLaneRowId(view, row.lane)
  if (row.kind === 'group' ? row.isExpanded : row.isParent && !row.isFolded) {
    toggleRow(view, row)
    return row.id
  }
  const parent = view.model.peek().parent[row.kind === 'group' ? (row.members[0] ?? -1) : row.lane] ?? -1
  return parent < 0 ? row.id : findLaneRowId(view, parent)
}

function unfoldOrDescend(view: FlowView): string | undefined {
  const row = view.rows.peek()[view.cursorRow.peek()]
  if (row === undefined || row.kind === 'span' || row.kind === 'loading' || row.kind === 'missing') return row?.id
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
