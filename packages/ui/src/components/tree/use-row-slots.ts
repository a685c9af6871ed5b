import type { ReadonlySignal } from '@preact/signals'
import { useRef } from 'preact/hooks'

/**
 * Which element a row is: one that scrolls in takes the place of one that scrolls out, whose text
 * is changed, which costs half of what a new one does. After a leap the order of the elements stays
 * as it was, so that none has to be moved.
 */
export function useRowSlots(
  first: ReadonlySignal<number>,
  last: ReadonlySignal<number>,
  slots: ReadonlySignal<number>,
): (row: number) => string {
  const before = useRef({ first: 0, last: 0, shift: 0 })
  const count = slots.value
  const old = before.current
  const overlaps = first.value < old.last && last.value > old.first
  const shift = overlaps ? old.shift : (((old.first + old.shift - first.value) % count) + count) % count
  before.current = { first: first.value, last: last.value, shift }
  return (row) => String((row + shift) % count)
}
