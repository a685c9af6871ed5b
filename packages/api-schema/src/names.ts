import { Type, type Static } from 'typebox'
import { SpanKind } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

export const ServicesAnswer = Type.Object({ services: Type.Array(Type.String()), ...SearchedRange.properties })
export type ServicesAnswer = Static<typeof ServicesAnswer>

export const OperationsQuery = Type.Object(
  { service: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })) },
  { additionalProperties: false },
)
export type OperationsQuery = Static<typeof OperationsQuery>

export const OperationsAnswer = Type.Object({
  operations: Type.Array(Type.Object({ service: Type.String(), name: Type.String(), kind: SpanKind })),
  ...SearchedRange.properties,
})
export type OperationsAnswer = Static<typeof OperationsAnswer>
