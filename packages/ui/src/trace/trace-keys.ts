import { ApiError } from '../lib/api.ts'
import { toBreadcrumb, follow, findLinkToFollow, type LinkDirection } from './follow-link.ts'
import { bindKeys } from '../app/keyboard.ts'
import { windowBetween } from '../lib/time-window.ts'
import {
  collapseAll,
  collapseOrAscend,
  expandAll,
  expandOrDescend,
  reveal,
  spanIdBeside,
  type TraceView,
} from './trace-view.ts'
import { traceUrl } from '../app/route.ts'
import { replace, route } from '../lib/url.ts'
import { announce } from '../app/announcer.tsx'
import { timeKeys } from '../components/tree/time-keys.ts'

/** Id of the search field, which `/` focuses. */
export const SEARCH_ID = 'trace-search'

/** Moves the cursor to a span; open details follow. */
function goToSpan(view: TraceView, spanId: string | undefined): void {
  if (spanId === undefined) return
  view.cursor.value = spanId
  const at = route.peek()
  if (at.page === 'trace' && at.spanId !== undefined) replace(traceUrl(view.model.peek().traceId, spanId))
}

export function goToPosition(view: TraceView, position: number): void {
  reveal(view, position)
  goToSpan(view, view.model.peek().spans[position]?.spanId)
}

export function openDetails(view: TraceView, spanId: string): void {
  view.cursor.value = spanId
  replace(traceUrl(view.model.peek().traceId, spanId))
}

export function closeDetails(view: TraceView): void {
  replace(traceUrl(view.model.peek().traceId))
}

export function bindTraceKeys(view: TraceView): () => void {
  const leaving = new AbortController()
  const go = (spanId: string | undefined): void => {
    view.wantsFocus.value = true
    goToSpan(view, spanId)
  }
  const move = (by: number) => () => go(spanIdBeside(view, by))
  const unbind = bindKeys({
    title: 'Trace',
    bindings: [
      { keys: ['j', 'ArrowDown'], does: 'Next row', run: move(1) },
      { keys: ['k', 'ArrowUp'], does: 'Previous row', run: move(-1) },
      { keys: ['Home'], does: 'First row', run: move(-Infinity) },
      { keys: ['End'], does: 'Last row', run: move(Infinity) },
      {
        keys: ['h', 'ArrowLeft'],
        does: 'Collapse, or go to parent',
        run: () => go(collapseOrAscend(view)),
      },
      {
        keys: ['l', 'ArrowRight'],
        does: 'Expand, or go to first child',
        run: () => go(expandOrDescend(view)),
      },
      { keys: ['C'], does: 'Collapse all', run: () => collapseAll(view) },
      { keys: ['E'], does: 'Expand all', run: () => expandAll(view) },
      {
        keys: ['p'],
        does: 'Show or hide the critical path',
        run: () => (view.showsCritical.value = !view.showsCritical.value),
      },
      { keys: ['Enter'], does: 'Span details', run: () => openDetails(view, view.cursor.peek()) },
      { keys: [']'], does: 'Go to consumer', run: () => void followNextLink(view, 'in', leaving.signal) },
      { keys: ['['], does: 'Go to producer', run: () => void followNextLink(view, 'out', leaving.signal) },
      { keys: ['/'], does: 'Find in this trace', run: () => document.getElementById(SEARCH_ID)?.focus() },
      ...timeKeys(view, 'Reset zoom'),
      { keys: ['f'], does: 'Zoom to the span', run: () => zoomToCursor(view) },
      { keys: ['Escape'], does: 'Exit search, or close details', run: () => escape(view), whileTyping: true },
    ],
  })
  return () => {
    leaving.abort()
    unbind()
  }
}

async function followNextLink(view: TraceView, direction: LinkDirection, leaving: AbortSignal): Promise<void> {
  const model = view.model.peek()
  const position = model.positionById.get(view.cursor.peek()) ?? 0
  try {
    const link = await findLinkToFollow(model, position, direction, leaving)
    if (leaving.aborted) return
    if (link === undefined) {
      announce(
        direction === 'in'
          ? 'No consumer seen yet: no span links to this trace.'
          : 'No producer: no span of this trace has a link.',
      )
      return
    }
    follow(toBreadcrumb(model.traceId, link.from), link.to)
  } catch (error) {
    if (!leaving.aborted) announce(error instanceof ApiError ? error.message : 'The links could not be loaded.')
  }
}

function zoomToCursor(view: TraceView): void {
  const model = view.model.peek()
  const position = model.positionById.get(view.cursor.peek()) ?? 0
  const start = model.start[position] ?? 0
  const end = model.end[position] ?? 0
  const air = (end - start) * 0.05
  view.window.value = windowBetween(start - air, end + air, model.duration)
}

function escape(view: TraceView): void {
  const search = document.getElementById(SEARCH_ID)
  if (document.activeElement === search) {
    view.query.value = ''
    search?.blur()
  } else closeDetails(view)
}
