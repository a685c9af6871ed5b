import type { Attributes, Observable } from '@opentelemetry/api'

/** One number of an instrument: what is counted under one set of attributes. */
export interface Counter {
  value: number
  /**
   * How many partitions it adds up, of a level that is unknown without any: then it is not
   * exported. Undefined: always exported.
   */
  partCount?: number
}

/**
 * The numbers of an observable instrument. Counting is an addition to a field: the instrument is
 * told at collection only, where adding to an SDK's counter would hash its attributes for every
 * message.
 */
export interface CounterSet {
  /** The number under `attributes`; to be kept and counted on by the caller. */
  get(attributes: Attributes): Counter
  /** Calls `refresh` before each collection. @returns a function that stops it */
  beforeCollection(refresh: () => void): () => void
}

/** As in the SDK's own limit: further series go to one that says `otel.metric.overflow`. */
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
