import type { Params } from './params.ts'

/**
 * Where a field expression finds its columns: the aliases of one SELECT. What isn't joined is
 * undefined, and fields that need it can't be compiled there (see `canCompile`).
 */
export type Row = {
  readonly params: Params
  /** A row of `spans`. */
  readonly span: string
  /**
   * The span's row of `sources`. Without it, comparisons of resource fields with values look up
   * `source_id`.
   */
  readonly source: string | undefined
  readonly parent: Row | undefined
  /**
   * Rows of the trace as a whole: `trace_start`, `trace_end`, `root_name`, `root_service`,
   * `has_root`.
   */
  readonly trace: string | undefined
  /** Children counted: `children`. */
  readonly children: string | undefined
  /** Narrows `span_links` to what can matter, as a condition on its columns. */
  readonly linksWhere: string
  /**
   * Events that came as log records: joined, as an array like `spans.events`, or looked up in
   * `logs`, narrowed by a condition on its columns. Undefined: left out.
   */
  readonly logEvents: { readonly joined: string } | { readonly where: string } | undefined
}

/** Attributes as the tables keep them: a map, its type letters, and a key. */
export type AttributeLookup = {
  readonly map: string
  readonly types: string
  readonly key: string
}

/** All zero: no parent. */
export const NO_SPAN_SQL = `toFixedString('', 8)`
