import { computed, signal } from '@preact/signals'
import { entryIn, routeOf, trailIn, type Crumb, type Place, type Route } from '../app/route.ts'

export const place = signal<Place>(readPlace())
export const route = computed<Route>(() => routeOf(place.value))

addEventListener('popstate', () => {
  place.value = readPlace()
})

/**
 * A new entry in the history: another page, another filter. Without a trail, one starts afresh. The
 * address one is at gets no second entry, as with any link.
 */
export function push(url: string, trail: readonly Crumb[] = []): void {
  const { path, search, entry } = place.peek()
  if (url === path + search) history.replaceState({ trail, entry }, '', url)
  else history.pushState({ trail, entry: crypto.getRandomValues(new Uint32Array(2)).join('-') }, '', url)
  place.value = readPlace()
}

/** The same entry, adjusted: the selected span, how much of a list is shown. Back goes past it. */
export function replace(url: string): void {
  const { trail, entry } = place.peek()
  history.replaceState({ trail, entry }, '', url)
  place.value = readPlace()
}

/**
 * Plain clicks on our own links stay in the page; with a modifier, another button or a target they
 * are the browser's.
 */
export function interceptLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || !isPlainClick(event)) return
    const anchor = event.target instanceof Element ? event.target.closest('a') : null
    if (anchor === null || anchor.target !== '' || anchor.origin !== location.origin) return
    event.preventDefault()
    push(anchor.pathname + anchor.search)
  })
}

export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
}

function readPlace(): Place {
  return {
    path: location.pathname,
    search: location.search,
    trail: trailIn(history.state),
    entry: entryIn(history.state),
  }
}
