import type { ReadonlySignal, Signal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'

export interface RowCursor {
  readonly cursorRow: ReadonlySignal<number>
  /** Set by a key that moved the cursor: the row takes the focus too. */
  readonly wantsFocus: Signal<boolean>
}

/**
 * The row under the cursor is scrolled to. It gets the focus when a key moved it there, and when
 * the focus was on it and rows above came or went; not while one types or is elsewhere on the page.
 */
export function useScrollToCursor(
  view: RowCursor,
  scroller: { readonly current: HTMLElement | null },
  rowHeight: number,
): void {
  const row = view.cursorRow.value
  const isFirst = useRef(true)
  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null || row < 0) return
    const top = row * rowHeight
    const isAbove = top < box.scrollTop
    const isBelow = top + rowHeight > box.scrollTop + box.clientHeight
    // One comes to a row from elsewhere, so there is something to see around it.
    if (isFirst.current && isBelow) box.scrollTop = top - box.clientHeight / 3
    else if (isAbove) box.scrollTop = top
    else if (isBelow) box.scrollTop = top + rowHeight - box.clientHeight
    isFirst.current = false
    const hasFocus = document.activeElement?.role === 'row' && box.contains(document.activeElement)
    if (!view.wantsFocus.value && !hasFocus) return
    view.wantsFocus.value = false
    // The row may come into being only after this scroll.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const mayFocus = document.activeElement === document.body || box.contains(document.activeElement)
        // Where the cursor is by now: focus on a row that it has left would take it back there.
        const at = view.cursorRow.peek() + 2
        if (mayFocus) box.querySelector<HTMLElement>(`[aria-rowindex="${at}"]`)?.focus({ preventScroll: true })
      }),
    )
  }, [row, view.wantsFocus.value])
}
