import { OtlpError } from '../error.ts'
import { BYTE, type JsonReader } from './reader.ts'

/** A 64-bit integer as two 32-bit halves, without a BigInt. Each read overwrites it. */
export const int64 = { low: 0, high: 0, isNegative: false }

const WORD = 2 ** 32

/** Trailing digits that are added separately: 2^32 times their scale is exact in a double. */
const LAST_DIGITS = 6
const LAST_SCALE = 1e6

/** Maximum length of an integer, which may have leading zeros in a string. */
const MAX_DIGITS = 40

/**
 * Reads an integer, or an integer in a string, into `int64` as absolute value and sign.
 *
 * @returns false when the value is not an integer; the position is then restored
 */
export function readInteger(json: JsonReader): boolean {
  const start = json.pos
  if (json.peek() === BYTE.quote) {
    json.string()
    if (json.stringEnd - json.stringAt <= MAX_DIGITS && parseDigits(json, json.stringAt, json.stringEnd)) return true
    json.pos = start
    return false
  }
  let at = json.pos
  let byte = json.bytes[at] as number
  if (byte === 0x2d) byte = json.bytes[++at] as number
  const digitsAt = at
  const limit = at + MAX_DIGITS
  while (byte >= 0x30 && byte <= 0x39 && at < limit) byte = json.bytes[++at] as number
  if ((byte | 0x20) === 0x65 || byte === 0x2e) return readWholeDouble(json)
  const isNumber = digitsAt === at - 1 || json.bytes[digitsAt] !== 0x30
  if (isNumber && at < limit && parseDigits(json, json.pos, at)) {
    json.pos = at
    return true
  }
  json.pos = start
  return false
}

/** `1e3` and `2.0` are integers too, if a double holds them exactly. */
function readWholeDouble(json: JsonReader): boolean {
  const start = json.pos
  const value = toNumber(json.number(), start)
  if (!Number.isSafeInteger(value)) {
    json.pos = start
    return false
  }
  int64.isNegative = value < 0
  setHalves(Math.abs(value))
  return true
}

function parseDigits({ bytes }: JsonReader, start: number, end: number): boolean {
  let at = start
  int64.isNegative = bytes[at] === 0x2d
  if (int64.isNegative) at++
  if (at === end) return false
  while (at < end - 1 && bytes[at] === 0x30) at++
  const count = end - at
  if (count > 20) return false
  const isLong = count > 15
  const headEnd = isLong ? end - LAST_DIGITS : end
  const head = parseDecimal(bytes, at, headEnd)
  if (!(head >= 0)) return false
  setHalves(head)
  if (!isLong) return true
  const tail = parseDecimal(bytes, headEnd, end)
  if (!(tail >= 0)) return false
  const low = int64.low * LAST_SCALE + tail
  int64.high = int64.high * LAST_SCALE + Math.floor(low / WORD)
  int64.low = low % WORD
  return int64.high < WORD
}

/** Parses at most 15 digits. Returns -1 for any other character. */
function parseDecimal(bytes: Buffer, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}

function setHalves(value: number): void {
  int64.high = Math.floor(value / WORD)
  int64.low = value % WORD
}

/**
 * Converts `int64` to the two's complement that protobuf encodes. Returns false if it does not fit
 * in 64 bits.
 */
export function toSigned(): boolean {
  const { low, high, isNegative } = int64
  if (!isNegative) return high < 0x80000000
  if (high > 0x80000000 || (high === 0x80000000 && low > 0)) return false
  int64.low = low === 0 ? 0 : WORD - low
  int64.high = (WORD - high - (low === 0 ? 0 : 1)) % WORD
  return true
}

/** The powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i)

/** Reads the number at the position. */
export function readNumber(json: JsonReader): number {
  const { bytes } = json
  const start = json.pos
  // Fast path for nearly all numbers: up to 15 digits with a point, which one division rounds
  // correctly.
  let at = start
  const isNegative = bytes[at] === 0x2d
  if (isNegative) at++
  const digitsAt = at
  let digits = 0
  let fraction = 0
  let value = 0
  for (; digits <= 15; at++) {
    const byte = bytes[at] as number
    if (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + byte - 0x30
      digits++
      if (fraction > 0) fraction++
    } else if (byte === 0x2e && fraction === 0 && digits > 0) fraction = 1
    else break
  }
  const next = bytes[at] as number
  const isPlain = digits > 0 && digits <= 15 && (next | 0x20) !== 0x65 && fraction !== 1
  if (isPlain && (bytes[digitsAt] !== 0x30 || digits === 1 || bytes[digitsAt + 1] === 0x2e)) {
    json.pos = at
    const absolute = fraction > 1 ? value / (POWERS[fraction - 1] as number) : value
    return isNegative ? -absolute : absolute
  }
  return toNumber(json.number(), start)
}

function toNumber(text: string, at: number): number {
  if (!NUMBER.test(text)) throw new OtlpError('bad-json', `body is not JSON: no value at byte ${at}`)
  return Number(text)
}

/** RFC 8259, section 6. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Parses a double in a string, as proto3 JSON allows. */
export function parseDouble(text: string): number | undefined {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return Number(text)
  return NUMBER_TEXT.test(text) ? Number(text) : undefined
}

const NUMBER_TEXT = /^-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,6})?$/
