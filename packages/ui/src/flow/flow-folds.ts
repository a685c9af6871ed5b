import { effect } from '@preact/signals'
import { openLane, type FlowView } from './flow-view.ts'
import { pageState, replace } from '../lib/url.ts'

const UNFOLDED = 'unfolded'
const FOLDED = 'folded'
const OPENED = 'opened'
/** Limits the length of the URL. */
const MAX_IDS = 100

/**
 * Stores expanded groups, folded rows and open lanes in the URL, so that a shared link shows the
 * same rows. Ids are hashed because group ids are as long as the names in them. Returns a function
 * that stops it.
 */
export function keepFoldsInUrl(view: FlowView, traceId: string): () => void {
  restore(view, new URLSearchParams(pageState.peek().search))
  return effect(() => {
    const { path, search } = pageState.value
    const before = new URLSearchParams(search)
    const unfolded = formatHashes(view.expanded.value)
    const folded = formatHashes(view.folded.value)
    const opened = formatHashes(view.open.value.keys())
    // Skip if the URL is of another page or flow, or compares two flows.
    if (path.toLowerCase() !== `/flow/${encodeURIComponent(traceId)}`.toLowerCase() || before.has('with')) return
    const wanted = [
      [UNFOLDED, unfolded],
      [FOLDED, folded],
      [OPENED, opened],
    ] as const
    if (wanted.every(([name, text]) => (before.get(name) ?? '') === text)) return
    for (const [name, text] of wanted) {
      before.delete(name)
      if (text !== '') before.set(name, text)
    }
    replace(before.size === 0 ? path : `${path}?${before}`)
  })
}

function restore(view: FlowView, query: URLSearchParams): void {
  const unfolded = parseHashes(query.get(UNFOLDED))
  const folded = parseHashes(query.get(FOLDED))
  const opened = parseHashes(query.get(OPENED))
  for (const [lane, { id }] of view.model.peek().lanes.entries()) if (opened.has(hashId(id))) void openLane(view, lane)
  // Expanding a group may add nested groups.
  for (let round = 0; round < MAX_IDS; round += 1) {
    const found = view.rows
      .peek()
      .filter((row) => row.kind === 'group' && !row.isExpanded && unfolded.has(hashId(row.id)))
      .map((row) => row.id)
    if (found.length === 0) break
    view.expanded.value = new Set([...view.expanded.peek(), ...found])
  }
  if (folded.size === 0) return
  const rows = view.rows.peek().filter((row) => folded.has(hashId(row.id)))
  view.folded.value = new Set([...view.folded.peek(), ...rows.map((row) => row.id)])
}

function formatHashes(ids: Iterable<string>): string {
  return [...ids].slice(0, MAX_IDS).map(hashId).toSorted().join('.')
}

function parseHashes(text: string | null): Set<string> {
  return new Set(text === null || text === '' ? [] : text.split('.').slice(0, MAX_IDS))
}

/** 32-bit FNV-1a. The probability that two rows of one flow collide is below one in a million. */
function hashId(id: string): string {
  let hash = 0x81_1c_9d_c5
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01_00_01_93)
  return (hash >>> 0).toString(36)
}
