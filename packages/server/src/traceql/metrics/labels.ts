/** A value of by() with the type it was sent with: 500 and "500" are of two series. */
export type Label = { readonly text: string; readonly type: LabelType }

export type LabelType = 'string' | 'int' | 'float' | 'bool'

/** By field, null where the spans have none; the internal names are in metrics-series.ts. */
export type Labels = Readonly<Record<string, Label | null>>

/** @param letter as in `spans.attr_types`; lists, maps and bytes are text */
export function labelOf(text: string | null, letter: string | null | undefined): Label | null {
  return text === null ? null : { text, type: TYPES[letter ?? ''] ?? 'string' }
}

export function textLabel(text: string): Label {
  return { text, type: 'string' }
}

export function numberLabel(value: number): Label {
  return { text: String(value), type: 'float' }
}

const TYPES: Readonly<Record<string, LabelType>> = { i: 'int', d: 'float', b: 'bool' }
