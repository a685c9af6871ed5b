import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { saveScrollPosition, readScrollPosition } from './scroll-positions.ts'
import type { RowHold } from './use-held-list.ts'
import { pageState } from '../../lib/url.ts'

/**
 * A scrolling list. Back restores its scroll position and the focus on the opened row. Give it the
 * request as `key`, so that another request starts at the top.
 */
export function ListScroll(props: {
  readonly class?: string
  readonly hold?: RowHold
  readonly children: ComponentChildren
}) {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const { entry } = pageState.peek()
    const before = readScrollPosition(entry)
    if (before !== undefined) {
      element.scrollTop = before.top
      const link = [...element.querySelectorAll('a')].find((one) => one.getAttribute('href') === before.href)
      if (document.activeElement?.contains(element) === true) link?.focus({ preventScroll: true })
    }
    const stopWatching = props.hold?.watch(element)
    return () => {
      stopWatching?.()
      saveScrollPosition(entry, element)
    }
  }, [])
  return (
    <div class={`table-scroll ${props.class ?? ''}`} ref={box}>
      {props.children}
    </div>
  )
}
