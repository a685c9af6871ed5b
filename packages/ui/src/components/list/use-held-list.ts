import { computed, signal, type ReadonlySignal } from '@preact/signals'
import { useMemo, useRef } from 'preact/hooks'
import { holdRows } from './held-rows.ts'

/** Rows are held in place while the pointer or focus is on them, or while they are scrolled. */
export interface RowHold {
  readonly isHeld: ReadonlySignal<boolean>
  /** Observes the scroll container of the rows; returns a function that stops it. */
  readonly watch: (box: HTMLElement) => () => void
  readonly scrollToTop: () => void
}

function createRowHold(): RowHold {
  const isHovered = signal(false)
  const isFocused = signal(false)
  const isScrolled = signal(false)
  let watched: HTMLElement | undefined
  return {
    isHeld: computed(() => isHovered.value || isFocused.value || isScrolled.value),
    watch(box) {
      const leaving = new AbortController()
      const on = (name: string, listener: (event: Event) => void): void =>
        box.addEventListener(name, listener, { signal: leaving.signal, passive: true })
      on('pointerenter', () => (isHovered.value = true))
      on('pointerleave', () => (isHovered.value = false))
      on('focusin', () => (isFocused.value = true))
      on('focusout', (event) => {
        const next = event instanceof FocusEvent ? event.relatedTarget : null
        isFocused.value = next instanceof Node && box.contains(next)
      })
      on('scroll', () => (isScrolled.value = box.scrollTop > 0))
      watched = box
      isHovered.value = box.matches(':hover')
      isFocused.value = box.contains(document.activeElement)
      isScrolled.value = box.scrollTop > 0
      return () => {
        leaving.abort()
        watched = undefined
        isHovered.value = isFocused.value = isScrolled.value = false
      }
    },
    scrollToTop() {
      if (watched !== undefined) watched.scrollTop = 0
    },
  }
}

export interface HeldList<T> {
  readonly rows: readonly T[]
  readonly newCount: number
  readonly hold: RowHold
  readonly showNew: () => void
}

/**
 * A live list that keeps its rows in place while they are held. `list` identifies the request; a
 * change of it resets the held rows.
 */
export function useHeldList<T>(list: string, fresh: readonly T[], keyOf: (row: T) => string): HeldList<T> {
  const hold = useMemo(createRowHold, [])
  const accepted = useMemo(() => signal(0), [])
  const shown = useRef<{ readonly list: string; readonly accepted: number; readonly rows: readonly T[] }>(undefined)
  const before = shown.current
  const isSame = before !== undefined && before.list === list && before.accepted === accepted.value
  const { rows, newCount } =
    isSame && hold.isHeld.value ? holdRows(before.rows, fresh, keyOf) : { rows: fresh, newCount: 0 }
  shown.current = { list, accepted: accepted.value, rows }
  return {
    rows,
    newCount,
    hold,
    showNew() {
      hold.scrollToTop()
      accepted.value += 1
    },
  }
}
