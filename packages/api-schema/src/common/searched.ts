import { Type, type Static } from 'typebox'
import { UnixNano } from './scalars.ts'

/**
 * How far a list or count looked. An incomplete one says nothing about the rest of the requested
 * range.
 */
export const SearchedRange = Type.Object({
  /** From `start` to before `end`: what was searched. `0`: from the beginning. */
  searched: Type.Object({ start: UnixNano, end: UnixNano }),
  /**
   * The requested range was searched down to its start, with a cursor: from there. If not,
   * `nextCursor` continues where there is one.
   */
  complete: Type.Boolean(),
  /**
   * Parts of tables can't be read whose rows may be in the range: the answer may lack them, and
   * `complete` is false.
   */
  missingParts: Type.Optional(Type.Literal(true)),
})
export type SearchedRange = Static<typeof SearchedRange>
