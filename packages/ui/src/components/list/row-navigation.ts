import type { TargetedMouseEvent } from 'preact'
import { isPlainClick } from '../../lib/url.ts'

/** Moves the focus by rows among these links: from the focused row, else to the first or last. */
export function focusRow(links: string, by: 1 | -1): void {
  const found = [...document.querySelectorAll<HTMLElement>(links)]
  const active = document.activeElement
  const at = found.findIndex((link) => link === active || (link.closest('tr, li')?.contains(active) ?? false))
  const next = at === -1 ? (by === 1 ? 0 : found.length - 1) : Math.min(found.length - 1, Math.max(0, at + by))
  found[next]?.focus()
}

/**
 * Makes a click beside a row's link, for example on a time or count with a tooltip, open the row.
 */
export function openRow(event: TargetedMouseEvent<HTMLElement>): void {
  const { target } = event
  if (!isPlainClick(event) || !(target instanceof Element) || target.closest('a, button') !== null) return
  if (getSelection()?.isCollapsed === false) return
  const link = event.currentTarget.querySelector<HTMLElement>('a.row-link')
  link?.focus({ preventScroll: true })
  link?.click()
}
