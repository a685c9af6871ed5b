import { computed, signal } from '@preact/signals'
import { readEntry, parseRoute, readTrail, type Breadcrumb, type PageState, type Route } from '../app/route.ts'

export const pageState = signal<PageState>(readPageState())
export const route = computed<Route>(() => parseRoute(pageState.value))

addEventListener('popstate', () => {
  pageState.value = readPageState()
})

/**
 * A new entry in the history: another page, another filter. Without a trail, one starts afresh. The
 * address one is at gets no second entry, as with any link.
 */
export function push(url: string, trail: readonly Breadcrumb[] = []): void {
  const { path, search, entry } = pageState.peek()
  if (url === path + search) history.replaceState({ trail, entry }, '', url)
  else history.pushState({ trail, entry: crypto.getRandomValues(new Uint32Array(2)).join('-') }, '', url)
  pageState.value = readPageState()
}

/** The same entry, adjusted: the selected span, how much of a list is shown. Back goes past it. */
export function replace(url: string): void {
  const { trail, entry } = pageState.peek()
  history.replaceState({ trail, entry }, '', url)
  pageState.value = readPageState()
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

function readPageState(): PageState {
  return {
    path: location.pathname,
    search: location.search,
    trail: readTrail(history.state),
    entry: readEntry(history.state),
  }
}
