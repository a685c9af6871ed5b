import { useSignal, type Signal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useLayoutEffect } from 'preact/hooks'

/** The inner width of an element in whole CSS pixels; 0 until it is laid out. */
export function useWidth(of: RefObject<HTMLElement | null>): Signal<number> {
  return useSize(of, (element) => element.clientWidth)
}

export function useHeight(of: RefObject<HTMLElement | null>): Signal<number> {
  return useSize(of, (element) => element.clientHeight)
}

function useSize(of: RefObject<HTMLElement | null>, read: (element: HTMLElement) => number): Signal<number> {
  const size = useSignal(0)
  useLayoutEffect(() => {
    const element = of.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => (size.value = read(element)))
    observer.observe(element)
    size.value = read(element)
    return () => observer.disconnect()
  }, [])
  return size
}
