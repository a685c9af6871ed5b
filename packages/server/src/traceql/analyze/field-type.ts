import type { FieldType } from '../syntax/intrinsics.ts'

/** Ends the check of a query with an error at one of its parts. */
export type Refuse = (
  at: { readonly from: number; readonly to: number },
  message: string,
  code?: 'type' | 'unsupported',
) => never

export function isNumber(type: FieldType): boolean {
  return type === 'number' || type === 'duration' || type === 'any'
}

/** A type in words, to stand in a sentence. */
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
