import { Type, type Static } from 'typebox'
import { describe } from './describe.ts'

export const Problem = describe(
  'RFC 9457 `application/problem+json`. `parameter` names the invalid query or path parameter.',
  Type.Object({
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    parameter: Type.Optional(Type.String()),
    missingParts: describe(
      'For 404: the trace may have been in table parts that cannot be read.',
      Type.Optional(Type.Literal(true)),
    ),
    from: describe(
      'Position of a syntax error in `q`: a range of UTF-16 units, line and column from 1, and the tokens expected there.',
      Type.Optional(Type.Integer()),
    ),
    to: Type.Optional(Type.Integer()),
    line: Type.Optional(Type.Integer()),
    column: Type.Optional(Type.Integer()),
    expected: Type.Optional(Type.Array(Type.String())),
  }),
)
export type Problem = Static<typeof Problem>
