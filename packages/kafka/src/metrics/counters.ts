import type { Attributes, Observable } from '@opentelemetry/api'

/** A number of an instrument under one set of attributes. */
export interface Counter {
  value: number
  /**
   * The number of partitions in a sum that is not exported without any; undefined: always exported.
   */
  partCount?: number
}

/**
 * The numbers of an observable instrument. Counting adds to a field; the SDK hashes attributes at
 * collection only, not for every message.
 */
export interface CounterSet {
  /** Returns the number under `attributes`, for callers to keep and add to. */
  get(attributes: Attributes): Counter
  /** Calls `refresh` before each collection. @returns a function that stops it */
  beforeCollection(refresh: () => void): () => void
}

/** The SDK's limit, too: further series are counted under `otel.metric.overflow`. */
export const MAX_SERIES = 2000

export function createCounterSet(instrument: Observable): CounterSet {
  const series = new Map<string, Counter & { readonly attributes: Attributes }>()
  const refreshes = new Set<() => void>()
  instrument.addCallback((result) => {
    for (const refresh of refreshes) refresh()
    for (const { value, partCount, attributes } of series.values())
      if (partCount !== 0) result.observe(value, attributes)
  })
  return {
    get(attributes) {
      const isOverflow = series.size >= MAX_SERIES && !series.has(toKey(attributes))
      const counted = isOverflow ? OVERFLOW : attributes
      const id = toKey(counted)
      let count = series.get(id)
      if (count === undefined) series.set(id, (count = { value: 0, attributes: counted }))
      return count
    },
    beforeCollection(refresh) {
      refreshes.add(refresh)
      return () => void refreshes.delete(refresh)
    },
  }
}

const OVERFLOW: Attributes = { 'otel.metric.overflow': true }

function toKey(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
