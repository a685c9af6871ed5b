/** SQL: fields of `head` in rows of type `span`. Offsets are in schema/trace_rows.sql, here from 1. */
export const spanHead = {
  start: 'reinterpretAsUInt64(substring(head, 10, 8))',
  identity: compileIdentity(26),
  linkCount: 'reinterpretAsUInt32(substring(head, -4))',
  hasLinks: 'reinterpretAsUInt32(substring(head, -4)) > 0',
} as const

/** The same in rows of type `backlink`: the linking span, and the ordinal among its links. */
export const backlinkHead = {
  traceId: 'substring(head, 2, 16)',
  spanId: 'substring(head, 18, 8)',
  ordinal: 'reinterpretAsUInt32(substring(head, 26, 4))',
  start: 'reinterpretAsUInt64(substring(head, 30, 8))',
  identity: compileIdentity(46),
} as const

/** A hash of kind and service. They separate spans that share an id. */
function compileIdentity(kindAt: number): string {
  return `CRC32(concat(substring(head, ${kindAt}, 1), ${compileText(kindAt + 2)}))`
}

/** Text that follows its length in bytes, of up to three bytes. */
function compileText(at: number): string {
  return `multiIf(${byteAt(at)} < 128, substring(head, ${at + 1}, ${byteAt(at)}),
    ${byteAt(at + 1)} < 128, substring(head, ${at + 2}, ${byteAt(at + 1)} * 128 + ${byteAt(at)} - 128),
    substring(head, ${at + 3}, ${byteAt(at + 2)} * 16384 + (${byteAt(at + 1)} - 128) * 128 + ${byteAt(at)} - 128))`
}

function byteAt(at: number): string {
  return `reinterpretAsUInt8(substring(head, ${at}, 1))`
}
