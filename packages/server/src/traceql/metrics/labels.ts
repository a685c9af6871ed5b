/** A value of by() with its type: 500 and "500" are two series. */
export type Label = { readonly text: string; readonly type: LabelType }

export type LabelType = 'string' | 'int' | 'float' | 'bool'

/** By field; null if the spans do not have it. */
export type Labels = Readonly<Record<string, Label | null>>

/** @param letter type code as in `spans.attr_types`; lists, maps and bytes are text */
export function toLabel(text: string | null | undefined, letter: string | null | undefined): Label | null {
  return text === null || text === undefined ? null : { text, type: TYPES_BY_CODE[letter ?? ''] ?? 'string' }
}

export function toTextLabel(text: string): Label {
  return { text, type: 'string' }
}

export function toNumberLabel(value: number): Label {
  return { text: String(value), type: 'float' }
}

const TYPES_BY_CODE: Readonly<Record<string, LabelType>> = { i: 'int', d: 'float', b: 'bool' }
