import type { SpansetResult } from '../evaluate/pipeline.ts'
import type { Position } from './search-cursor.ts'
import type { Window } from './search.ts'
import type { TraceRows } from './trace-rows.ts'

/** A trace that a pipeline matches. */
export type Match = {
  readonly rows: TraceRows
  readonly spansets: readonly SpansetResult[]
  /** The next page begins behind it. */
  readonly position: Position
}

/** Where to search: in a time window, among some traces, or both. */
export type Scope = { readonly window: Window | undefined; readonly within: readonly string[] | undefined }
