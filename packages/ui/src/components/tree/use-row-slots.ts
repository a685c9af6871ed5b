import type { ReadonlySignal } from '@preact/signals'
import { useRef } from 'preact/hooks'

/**
 * Assigns an element to each row: a row that scrolls in reuses the element of one that scrolled
 * out, at half the cost of a new element. After a jump the elements keep their DOM order, so that
 * none is moved.
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
