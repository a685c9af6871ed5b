import type { QueryOptions, Store } from '../../store/store.ts'
import { type LoadedSpans, loadSpans, MAX_SPANS } from './load-spans.ts'

/** Traces that are worth a statement of their own, which costs what reading some dozen traces does. */
const MANY = 32

export type SpansOfSteps = {
  /** Begins to read them, once they are many. */
  readonly add: (traceIds: readonly string[]) => void
  readonly all: () => Promise<LoadedSpans>
}

/** Reads spans of a search that goes on meanwhile: the links of a step and its spans are asked for at the same time. */
export function spansOfSteps(store: Store, options: QueryOptions): SpansOfSteps {
  let waiting: string[] = []
  let loaded: Promise<LoadedSpans> = Promise.resolve({ rows: [], cut: false })
  const begin = (): void => {
    const traceIds = waiting
    waiting = []
    loaded = loaded.then(async ({ rows, cut }) => {
      const more = await loadSpans(store, traceIds, options, MAX_SPANS - rows.length)
      return { rows: [...rows, ...more.rows], cut: cut || more.cut }
    })
    // Who asks for all of them is told; the search may fail before.
    loaded.catch(() => {})
  }
  return {
    add: (traceIds) => {
      waiting.push(...traceIds)
      if (waiting.length >= MANY) begin()
    },
    all: async () => {
      if (waiting.length > 0) begin()
      return await loaded
    },
  }
}
