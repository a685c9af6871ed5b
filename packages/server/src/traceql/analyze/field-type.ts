import type { FieldType } from '../syntax/intrinsics.ts'

/** Throws an error at one part of the query. */
export type Refuse = (
  at: { readonly from: number; readonly to: number },
  message: string,
  code?: 'type' | 'unsupported',
) => never

export function isNumber(type: FieldType): boolean {
  return type === 'number' || type === 'duration' || type === 'any'
}

/** Names a type in an error message. */
export function describeType(type: FieldType): string {
  return {
    string: 'text',
    number: 'a number',
    duration: 'a duration',
    boolean: 'a condition',
    status: 'a status',
    kind: 'a kind',
    nil: 'nil',
    any: 'an attribute',
  }[type]
}
