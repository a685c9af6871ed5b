import type { Attributes, Observable } from '@opentelemetry/api'

/** One number of an instrument: what is counted under one set of attributes. */
export interface Count {
  value: number
  /**
   * How many partitions it adds up, of a level that is unknown without any: then it is not
   * exported. Undefined: always exported.
   */
  parts?: number
}

/**
 * The numbers of an observable instrument. Counting is an addition to a field: the instrument is
 * told at collection only, where adding to an SDK's counter would hash its attributes for every
 * message.
 */
export interface Counts {
  /** The number under `attributes`; to be kept and counted on by the caller. */
  of(attributes: Attributes): Count
  /** Calls `refresh` before each collection, to bring numbers up to date that nobody tells. */
  beforeCollection(refresh: () => void): void
}

/** As in the SDK's own limit: further series go to one that says `otel.metric.overflow`. */
export const MAX_SERIES = 2000

export function counts(instrument: Observable): Counts {
  const series = new Map<string, Count & { readonly attributes: Attributes }>()
  const refreshes: (() => void)[] = []
  instrument.addCallback((result) => {
    for (const refresh of refreshes) refresh()
    for (const { value, parts, attributes } of series.values()) if (parts !== 0) result.observe(value, attributes)
  })
  return {
    of(attributes) {
      const isOverflow = series.size >= MAX_SERIES && !series.has(identity(attributes))
      const counted = isOverflow ? OVERFLOW : attributes
      const id = identity(counted)
      let count = series.get(id)
      if (count === undefined) series.set(id, (count = { value: 0, attributes: counted }))
      return count
    },
    beforeCollection: (refresh) => void refreshes.push(refresh),
  }
}

const OVERFLOW: Attributes = { 'otel.metric.overflow': true }

function identity(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
