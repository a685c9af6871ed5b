import type { StoredValue } from '../../query/trace-rows/trace-row.ts'

/** A value of by() with its type: 500 and "500" are two series. */
export type Label = { readonly text: string; readonly type: LabelType }

export type LabelType = 'string' | 'int' | 'float' | 'bool'

/** By field; null if the spans do not have it. */
export type Labels = Readonly<Record<string, Label | null>>

/** Lists, maps and bytes are text. */
export function toLabel(value: StoredValue | undefined): Label | null {
  return value === undefined ? null : { text: value.text, type: TYPES_BY_CODE[value.code] ?? 'string' }
}

export function toTextLabel(text: string): Label {
  return { text, type: 'string' }
}

export function toNumberLabel(value: number): Label {
  return { text: String(value), type: 'float' }
}

const TYPES_BY_CODE: Readonly<Record<string, LabelType>> = { i: 'int', d: 'float', b: 'bool' }
