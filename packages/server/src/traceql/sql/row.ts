import type { Params } from './params.ts'

/**
 * The table aliases of one SELECT. `undefined` is not joined: fields that require it cannot be
 * compiled.
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
   * Columns of the whole trace: `trace_start`, `trace_end`, `root_name`, `root_service`,
   * `has_root`.
   */
  readonly trace: string | undefined
  /** Has the number of children, `children`. */
  readonly children: string | undefined
  /** Condition on `span_links` that limits what is read. */
  readonly linksWhere: string
  /**
   * Events sent as log records: joined as an array like `spans.events`, or a subquery over `logs`
   * with this condition. Undefined: ignored.
   */
  readonly logEvents: { readonly joined: string } | { readonly where: string } | undefined
}

/** SQL of one attribute: its map, the type codes and the key. */
export type AttributeLookup = {
  readonly map: string
  readonly types: string
  readonly key: string
}

/** All zero: no parent. */
export const NO_SPAN_SQL = `toFixedString('', 8)`
