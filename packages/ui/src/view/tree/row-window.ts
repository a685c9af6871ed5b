import { batch, useComputed, useSignal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** Rows kept above and below what is seen: a flick of the wheel lands on rows that are there. */
const OVERSCAN = 12
/** Rows come and go this many at a time, so that most scrolling changes nothing at all. */
const STEP = 8
/** After a leap the rows around what is seen come when the scrolling has rested for so long. */
const REST_MILLIS = 100

/** Of rows of one height, which are in the document: `first .. last - 1`. */
export interface RowWindow {
  readonly first: ReadonlySignal<number>
  readonly last: ReadonlySignal<number>
  /** Nothing of what is seen was there a moment ago. */
  readonly leaps: ReadonlySignal<boolean>
  readonly onScroll: (top: number) => void
}

/** A leap (the scrollbar dragged, End pressed) replaces all rows in a frame, so until it rests only those that are seen are made. */
export function useRowWindow(
  count: ReadonlySignal<number>,
  height: ReadonlySignal<number>,
  rowHeight: number,
): RowWindow {
  const top = useSignal(0)
  const leaps = useSignal(false)
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(resting.current), [])
  const firstSeen = useComputed(() => Math.floor(top.value / rowHeight))
  const around = (rows: number): number => (leaps.value ? 0 : rows)
  const first = useComputed(() => {
    const wanted = firstSeen.value - around(OVERSCAN)
    return Math.max(0, leaps.value ? wanted : Math.floor(wanted / STEP) * STEP)
  })
  const last = useComputed(() => {
    const seen = Math.ceil(height.value / rowHeight) + 1
    return Math.min(count.value, first.value + seen + around(2 * OVERSCAN + STEP))
  })
  return {
    first,
    last,
    leaps,
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
