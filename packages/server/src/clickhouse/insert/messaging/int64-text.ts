import type { ByteList } from '../native/byte-list.ts'
import { RowCursor } from '../native/row-cursor.ts'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** Numbers of this many digits are exact doubles. */
const MAX_SAFE_DIGITS = 15
const MAX_DIGITS = 19

const ZERO = 0x30

/** Longer numbers are not message counts. */
const MAX_COUNT_DIGITS = 9

const cursor = new RowCursor()

/**
 * Parses a RowBinary string as ClickHouse's `toInt64OrDefault` does (an optional sign and digits)
 * and appends it as Int64. Returns false for other text and out-of-range numbers.
 */
export function writeInt64(bytes: Buffer, at: number, out: ByteList): boolean {
  cursor.bytes = bytes
  cursor.pos = at
  const end = cursor.varint() + cursor.pos
  let digit = cursor.pos
  const isNegative = bytes[digit] === 0x2d
  if (isNegative || bytes[digit] === 0x2b) digit++
  if (digit >= end) return false
  for (let i = digit; i < end; i++) {
    const byte = bytes[i] as number
    if (byte < ZERO || byte > ZERO + 9) return false
  }
  while (digit < end - 1 && bytes[digit] === ZERO) digit++
  const digits = end - digit
  if (digits > MAX_DIGITS) return false
  out.reserve(8)
  if (digits <= MAX_SAFE_DIGITS) {
    let value = 0
    for (let i = digit; i < end; i++) value = value * 10 + (bytes[i] as number) - ZERO
    if (isNegative) value = -value
    out.bytes.writeInt32LE(Math.floor(value / 2 ** 32), out.length + 4)
    out.bytes.writeInt32LE(value | 0, out.length)
  } else {
    const magnitude = BigInt(bytes.toString('latin1', digit, end))
    const value = isNegative ? -magnitude : magnitude
    if (value < MIN_INT64 || value > MAX_INT64) return false
    out.bytes.writeBigInt64LE(value, out.length)
  }
  out.length += 8
  return true
}

/** Parses a RowBinary string of digits; 1 for other text. */
export function parseCount(bytes: Buffer, at: number): number {
  const length = bytes[at] as number
  if (length === 0 || length > MAX_COUNT_DIGITS) return 1
  let count = 0
  for (let i = at + 1; i <= at + length; i++) {
    const digit = (bytes[i] as number) - ZERO
    if (!(digit >= 0 && digit <= 9)) return 1
    count = count * 10 + digit
  }
  return count
}
