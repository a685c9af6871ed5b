import type { ReadonlySignal, Signal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'

export interface RowCursor {
  readonly cursorRow: ReadonlySignal<number>
  /** Set when a key moved the cursor, so that the row also takes the focus. */
  readonly wantsFocus: Signal<boolean>
}

/**
 * Scrolls to the row under the cursor. It gets the focus when a key moved the cursor there, and
 * when it had the focus and rows above it changed; not while the focus is elsewhere on the page.
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
    // The first time, the row is placed below the top, so that the rows before it are visible.
    if (isFirst.current && isBelow) box.scrollTop = top - box.clientHeight / 3
    else if (isAbove) box.scrollTop = top
    else if (isBelow) box.scrollTop = top + rowHeight - box.clientHeight
    isFirst.current = false
    const hasFocus = document.activeElement?.role === 'row' && box.contains(document.activeElement)
    if (!view.wantsFocus.value && !hasFocus) return
    view.wantsFocus.value = false
    // The row may be rendered only after this scroll.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const mayFocus = document.activeElement === document.body || box.contains(document.activeElement)
        // The cursor may have moved since: focusing the old row would move it back.
        const at = view.cursorRow.peek() + 2
        if (mayFocus) box.querySelector<HTMLElement>(`[aria-rowindex="${at}"]`)?.focus({ preventScroll: true })
      }),
    )
  }, [row, view.wantsFocus.value])
}
