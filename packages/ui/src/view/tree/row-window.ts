import { batch, useComputed, useSignal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** Rows kept above and below what is seen: a flick of the wheel lands on rows that are there. */
const OVERSCAN = 16
/** Rows come and go this many at a time, so that most scrolling changes nothing at all. */
const STEP = 8
/** After a leap the rows around what is seen come when the scrolling has rested for so long. */
const REST_MILLIS = 100

/** Of rows of one height, which are drawn (`first .. last - 1`) and which of those are in the document. */
export interface RowWindow {
  readonly first: ReadonlySignal<number>
  readonly last: ReadonlySignal<number>
  readonly firstInPlace: ReadonlySignal<number>
  readonly lastInPlace: ReadonlySignal<number>
  readonly onScroll: (top: number) => void
}

/**
 * As many rows are drawn at the ends as in the middle, and `last` follows from `first`: the canvas keeps its size, and to allocate it anew
 * costs more than to paint it.
 * A leap (the scrollbar dragged, End pressed) replaces all rows in a frame, so until it rests only those that are seen are made.
 */
export function useRowWindow(
  count: ReadonlySignal<number>,
  height: ReadonlySignal<number>,
  rowHeight: number,
): RowWindow {
  const top = useSignal(0)
  const leaps = useSignal(false)
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(resting.current), [])
  const room = useComputed(() => Math.ceil(height.value / rowHeight) + 2 * OVERSCAN + STEP)
  const first = useComputed(() => {
    const wanted = Math.floor((top.value / rowHeight - OVERSCAN) / STEP) * STEP
    return Math.max(0, Math.min(wanted, count.value - room.value))
  })
  const last = useComputed(() => Math.min(count.value, first.value + room.value))
  const firstSeen = useComputed(() => Math.floor(top.value / rowHeight))
  const firstInPlace = useComputed(() => (leaps.value ? firstSeen.value : first.value))
  const lastInPlace = useComputed(() =>
    leaps.value ? Math.min(last.value, firstSeen.value + Math.ceil(height.value / rowHeight) + 1) : last.value,
  )
  return {
    first,
    last,
    firstInPlace,
    lastInPlace,
    onScroll(to) {
      const isLeap = Math.abs(to - top.peek()) > OVERSCAN * rowHeight
      batch(() => {
        top.value = to
        if (isLeap) leaps.value = true
      })
      if (!isLeap && !leaps.peek()) return
      clearTimeout(resting.current)
      resting.current = setTimeout(() => (leaps.value = false), REST_MILLIS)
    },
  }
}
