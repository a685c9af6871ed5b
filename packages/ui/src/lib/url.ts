import { computed, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { readEntry, parseRoute, readTrail, type Breadcrumb, type PageState, type Route } from '../app/route.ts'

/** A reverse proxy may publish the UI under a prefix. Relative URLs resolve against it. */
const BASE_PATH = new URL(document.baseURI).pathname

export const pageState = signal<PageState>(readPageState())
export const route = computed<Route>(() => parseRoute(pageState.value))

addEventListener('popstate', () => {
  pageState.value = readPageState()
})

/**
 * Adds a history entry, for another page or filter. The default trail is empty. Like a link, it
 * adds no entry if the URL is the current one.
 */
export function push(url: string, trail: readonly Breadcrumb[] = []): void {
  const { entry } = pageState.peek()
  const target = toAbsolute(url)
  if (target === location.pathname + location.search) history.replaceState({ trail, entry }, '', target)
  else history.pushState({ trail, entry: crypto.getRandomValues(new Uint32Array(2)).join('-') }, '', target)
  pageState.value = readPageState()
}

/**
 * Replaces the URL of the current entry, for the selected span or list length. Adds no Back step.
 */
export function replace(url: string): void {
  const { trail, entry } = pageState.peek()
  history.replaceState({ trail, entry }, '', toAbsolute(url))
  pageState.value = readPageState()
}

/**
 * Handles plain clicks on internal links in the page. Clicks with a modifier, another button or a
 * target are left to the browser.
 */
export function interceptLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || !isPlainClick(event)) return
    const anchor = event.target instanceof Element ? event.target.closest('a') : null
    if (anchor === null || anchor.target !== '' || anchor.origin !== location.origin) return
    if (!anchor.pathname.startsWith(BASE_PATH)) return
    event.preventDefault()
    push(removeBase(anchor.pathname) + anchor.search)
  })
}

export function usePageTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Spanlink`
  }, [name])
}

/** A click handler for links: plain clicks call `go` instead of following the link. */
export function onPlainClick(go: () => void): (event: MouseEvent) => void {
  return (event) => {
    if (!isPlainClick(event)) return
    event.preventDefault()
    go()
  }
}

export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
}

function readPageState(): PageState {
  return {
    path: removeBase(location.pathname),
    search: location.search,
    trail: readTrail(history.state),
    entry: readEntry(history.state),
  }
}

/** With a leading slash; the whole path if it is not below the base. */
function removeBase(path: string): string {
  return path.startsWith(BASE_PATH) ? `/${path.slice(BASE_PATH.length)}` : path
}

/** @param url relative to the base, also with a leading slash */
function toAbsolute(url: string): string {
  const { pathname, search } = new URL(url.replace(/^\/+/, './'), document.baseURI)
  return pathname + search
}
