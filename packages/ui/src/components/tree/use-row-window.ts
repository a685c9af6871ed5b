import { batch, useComputed, useSignal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/**
 * Rows rendered above and below the visible ones, so that a fast wheel scroll finds them present.
 */
const OVERSCAN = 12
/**
 * Rows are added and removed in groups of this size: small enough for one frame, and slow scrolling
 * changes nothing in most frames.
 */
const STEP = 3
/**
 * After a jump, the rows around the visible ones are rendered once scrolling has paused this long.
 */
const REST_MS = 100

/**
 * The rendered rows `first .. last - 1` of a list with equal row heights. A jump (scrollbar drag,
 * End key) replaces all rows in one frame, so only the visible ones are rendered until scrolling
 * pauses.
 */
export function useRowWindow(count: ReadonlySignal<number>, height: ReadonlySignal<number>, rowHeight: number) {
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
    /** Maximum number of rows in the document at once; rows this far apart may share an element. */
    slots,
    /** The first and last row that is at least partly visible. */
    firstSeen,
    lastSeen,
    onScroll(to: number) {
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
