/**
 * Encodes single protobuf fields (https://protobuf.dev/programming-guides/encoding/) for responses.
 * Always writes the field; proto3 leaves out those that are 0 or empty. Rows are written by
 * `RowWriter`, which allocates nothing per field.
 */

const WIRE_TYPES = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** Also enum and bool; a negative number takes ten bytes, as int64 requires. */
export function encodeVarintField(field: number, value: number | bigint): Buffer {
  return Buffer.concat([encodeTag(field, 'varint'), encodeVarint(value)])
}

export function encodeMessageField(field: number, fields: readonly Buffer[]): Buffer {
  return encodeBytesField(field, Buffer.concat(fields))
}

/** A string, bytes or an encoded message. */
export function encodeBytesField(field: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([encodeTag(field, 'bytes'), encodeVarint(bytes.length), bytes])
}

export function encodeFixed64Field(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return Buffer.concat([encodeTag(field, 'fixed64'), bytes])
}

export function encodeDoubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([encodeTag(field, 'fixed64'), bytes])
}

export function encodeFixed32Field(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return Buffer.concat([encodeTag(field, 'fixed32'), bytes])
}

function encodeTag(field: number, wireType: keyof typeof WIRE_TYPES): Buffer {
  return encodeVarint(field * 8 + WIRE_TYPES[wireType])
}

function encodeVarint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
