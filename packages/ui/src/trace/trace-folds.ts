import { batch, effect } from '@preact/signals'
import { collapsibleIds } from './model/visible-rows.ts'
import type { TraceView } from './trace-view.ts'
import { pageState, replace } from '../lib/url.ts'

const COLLAPSED = 'collapsed'
const UNFOLDED = 'unfolded'
const ALL = 'all'
/** Limits the length of the URL. */
const MAX_IDS = 60

/**
 * Stores collapsed spans and expanded groups in the URL by span id, so that a shared link shows the
 * same rows. Returns a function that stops it.
 */
export function keepTraceFoldsInUrl(view: TraceView): () => void {
  const { traceId } = view.model.peek()
  restore(view, new URLSearchParams(pageState.peek().search))
  return effect(() => {
    const { path, search } = pageState.value
    const collapsed = view.collapsed.value
    const unfolded = view.unfolded.value
    if (path.toLowerCase() !== `/trace/${traceId}`) return
    const isAll = collapsed.size > 0 && collapsed.size === collapsibleIds(view.model.value).size
    const query = new URLSearchParams(search)
    write(query, COLLAPSED, isAll ? ALL : formatIds(collapsed))
    write(query, UNFOLDED, unfolded === 'all' ? ALL : formatIds(unfolded))
    const wanted = query.size === 0 ? '' : `?${query}`
    if (wanted !== search) replace(path + wanted)
  })
}

function restore(view: TraceView, query: URLSearchParams): void {
  const collapsed = query.get(COLLAPSED) ?? ''
  const unfolded = query.get(UNFOLDED) ?? ''
  batch(() => {
    if (collapsed !== '')
      view.collapsed.value = collapsed === ALL ? collapsibleIds(view.model.peek()) : parseIds(collapsed)
    if (unfolded !== '') view.unfolded.value = unfolded === ALL ? 'all' : parseIds(unfolded)
  })
}

function write(query: URLSearchParams, name: string, text: string): void {
  if (text === (query.get(name) ?? '')) return
  if (text === '') query.delete(name)
  else query.set(name, text)
}

function formatIds(ids: ReadonlySet<string>): string {
  return [...ids].toSorted().slice(0, MAX_IDS).join('.')
}

function parseIds(text: string): Set<string> {
  return new Set(text.toLowerCase().split('.').slice(0, MAX_IDS))
}
