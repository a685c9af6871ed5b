import { Type, type Static } from 'typebox'

/**
 * RFC 9457 `application/problem+json`. `parameter` names the query or path parameter that is wrong.
 */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  parameter: Type.Optional(Type.String()),
  /**
   * Where in a query (`q`) it is wrong: a range of UTF-16 units, line and column from 1, and what
   * could stand there.
   */
  from: Type.Optional(Type.Integer()),
  to: Type.Optional(Type.Integer()),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  expected: Type.Optional(Type.Array(Type.String())),
})
export type Problem = Static<typeof Problem>
