import { Type, type Static } from 'typebox'
import { defineParameters } from './common/describe.ts'
import { SpanKind } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

export const ServicesResponse = Type.Object({ services: Type.Array(Type.String()), ...SearchedRange.properties })
export type ServicesResponse = Static<typeof ServicesResponse>

export const OperationsQuery = defineParameters({
  service: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
})
export type OperationsQuery = Static<typeof OperationsQuery>

export const OperationsResponse = Type.Object({
  operations: Type.Array(Type.Object({ service: Type.String(), name: Type.String(), kind: SpanKind })),
  ...SearchedRange.properties,
})
export type OperationsResponse = Static<typeof OperationsResponse>
