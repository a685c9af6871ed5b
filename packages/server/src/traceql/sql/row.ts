import type { Params } from './params.ts'

/** The table aliases of one SELECT. */
export type Row = {
  readonly params: Params
  /** A row of `spans`. */
  readonly span: string
  /**
   * The span's row of `sources`. Without it, comparisons of resource fields with values look up
   * `source_id`.
   */
  readonly source: string | undefined
  /** Events sent as log records: a condition on `logs`. Undefined: ignored. */
  readonly logEvents: { readonly where: string } | undefined
}

/** SQL of one attribute: its map, the type codes and the key. */
export type AttributeLookup = {
  readonly map: string
  readonly types: string
  readonly key: string
}

/** All zero: no parent. */
export const NO_SPAN_SQL = `toFixedString('', 8)`
