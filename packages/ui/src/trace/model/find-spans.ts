import type { SpanHead, TraceModel } from './trace-model.ts'

/**
 * Finds spans whose name, service or id contains the text, ignoring case. The server searches
 * attributes and events.
 */
export function findSpans(model: TraceModel, text: string): Int32Array {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return new Int32Array(0)
  const known = new Map<string, boolean>()
  const has = (word: string): boolean => {
    let found = known.get(word)
    if (found === undefined) known.set(word, (found = word.toLowerCase().includes(wanted)))
    return found
  }
  const holds = (span: SpanHead): boolean => has(span.name) || has(span.service) || span.spanId === wanted
  const found: number[] = []
  for (const [p, span] of model.spans.entries()) if (holds(span)) found.push(p)
  return Int32Array.from(found)
}

/** Merges both lists of positions in ascending order. */
export function mergeFound(positions: Int32Array, model: TraceModel, spanIds: readonly string[]): Int32Array {
  if (spanIds.length === 0) return positions
  const all = new Set(positions)
  for (const id of spanIds) {
    const p = model.positionById.get(id)
    if (p !== undefined) all.add(p)
  }
  return Int32Array.from(all).sort()
}
