import { Type, type Static } from 'typebox'
import { describe } from './describe.ts'
import { UnixNano } from './scalars.ts'

export const MissingParts = describe(
  'Unreadable table parts or rows may belong to the response, so it may lack them. `complete`, where present, is false.',
  Type.Optional(Type.Literal(true)),
)

export const SearchedRange = describe(
  'The range that a list or count covers. An incomplete response says nothing about the rest of the requested range.',
  Type.Object({
    searched: describe(
      'The searched range: `start` inclusive, `end` exclusive. `0`: from the beginning.',
      Type.Object({ start: UnixNano, end: UnixNano }),
    ),
    complete: describe(
      'The requested range (with a cursor: the rest of it) was searched to its start. Otherwise `nextCursor` continues, where present.',
      Type.Boolean(),
    ),
    missingParts: MissingParts,
  }),
)
export type SearchedRange = Static<typeof SearchedRange>
