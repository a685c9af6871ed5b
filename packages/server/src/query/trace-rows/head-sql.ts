/** SQL: fields of rows of type `span`. Offsets are in schema/trace_rows.sql, here from 1. */
export const spanHead = {
  parent: 'substring(head, 1, 8)',
  start: 'reinterpretAsUInt64(substring(head, 9, 8))',
  linkCount: 'reinterpretAsUInt32(substring(head, -4))',
} as const

/** SQL: fields of rows of type `backlink`. */
export const backlinkHead = {
  /** Trace id and span id. */
  linkingSpan: 'substring(head, 1, 24)',
  start: 'reinterpretAsUInt64(substring(head, 25, 8))',
  ordinal: 'reinterpretAsUInt32(substring(head, 41, 4))',
} as const

/** SQL: a hash of kind and service, in both types. They separate spans that share an id. */
export const identityHash = `CRC32(concat(substring(shape, 2, 1), ${compileText(4)}))`

/** Text of the shape that follows its length, in at most three bytes. */
function compileText(at: number): string {
  const [one, two, three] = [at, at + 1, at + 2].map((byte) => `reinterpretAsUInt8(substring(shape, ${byte}, 1))`)
  return `multiIf(${one} < 128, substring(shape, ${at + 1}, ${one}),
    ${two} < 128, substring(shape, ${at + 2}, ${two} * 128 + ${one} - 128),
    substring(shape, ${at + 3}, ${three} * 16384 + (${two} - 128) * 128 + ${one} - 128))`
}
