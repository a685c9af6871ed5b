import { batch, useComputed, useSignal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** Rows kept above and below what is seen: a flick of the wheel lands on rows that are there. */
const OVERSCAN = 12
/**
 * Rows come and go this many at a time: few enough that no frame has much to do, and slow scrolling
 * changes nothing at all in most.
 */
const STEP = 3
/** After a leap the rows around what is seen come when the scrolling has rested for so long. */
const REST_MS = 100

/** Of rows of one height, which are in the document: `first .. last - 1`. */
export interface RowWindow {
  readonly first: ReadonlySignal<number>
  readonly last: ReadonlySignal<number>
  /**
   * As many as ever are in the document at once; rows that lie so far apart may be the same
   * element.
   */
  readonly slots: ReadonlySignal<number>
  /** What is seen of them, in part or whole. */
  readonly firstSeen: ReadonlySignal<number>
  readonly lastSeen: ReadonlySignal<number>
  readonly onScroll: (top: number) => void
}

/**
 * A leap (the scrollbar dragged, End pressed) replaces all rows in a frame, so until it rests only
 * those that are seen are made.
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
  const firstSeen = useComputed(() => Math.floor(top.value / rowHeight))
  const first = useComputed(() =>
    leaps.value ? firstSeen.value : Math.max(0, Math.floor((firstSeen.value - OVERSCAN) / STEP) * STEP),
  )
  const seen = useComputed(() => Math.ceil(height.value / rowHeight) + 1)
  const lastSeen = useComputed(() => Math.min(count.value, firstSeen.value + seen.value))
  const slots = useComputed(() => seen.value + 2 * OVERSCAN + STEP)
  const last = useComputed(() => Math.min(count.value, first.value + (leaps.value ? seen.value : slots.value)))
  return {
    first,
    last,
    slots,
    firstSeen,
    lastSeen,
    onScroll(to) {
      const isLeap = Math.abs(to - top.peek()) > OVERSCAN * rowHeight
      batch(() => {
        top.value = to
        if (isLeap) leaps.value = true
      })
      if (!isLeap && !leaps.peek()) return
      clearTimeout(resting.current)
      resting.current = setTimeout(() => (leaps.value = false), REST_MS)
    },
  }
}
