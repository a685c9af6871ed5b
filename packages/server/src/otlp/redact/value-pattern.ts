import { RE2JS, RE2JSSyntaxException } from 're2js'

export const REDACTED = '[redacted]'

const REDACTED_BYTES = Buffer.from(REDACTED)

/** Bounds the time of one text: longer ones are replaced as a whole. */
const MAX_TEXT_BYTES = 64 * 1024

/**
 * Returns the bytes from `at` to `end` with each match replaced, or undefined if nothing matches.
 *
 * Not a RegExp, which backtracks: one for e-mail addresses takes 57 s on the 2,000 values of 4 KiB
 * of "a" that fit in a span. RE2 takes linear time.
 */
export type ValuePattern = (bytes: Uint8Array, at: number, end: number) => Buffer | undefined

/** The message completes "/pattern/: …". */
export class PatternError extends Error {}

/** @throws PatternError */
export function createValuePattern(source: string, ignoreCase: boolean): ValuePattern {
  const regex = compile(source, ignoreCase)
  if (regex.test('')) throw new PatternError('it matches the empty text')
  return (bytes, at, end) => {
    if (end - at > MAX_TEXT_BYTES) return REDACTED_BYTES
    const text = bytes.subarray(at, end)
    // Most texts match nothing; to find that takes a tenth of the time of a replacement.
    if (!regex.test(text)) return undefined
    return Buffer.from(regex.matcher(Buffer.from(text).toString()).replaceAll(REDACTED))
  }
}

function compile(source: string, ignoreCase: boolean): RE2JS {
  try {
    return RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (cause) {
    if (!(cause instanceof RE2JSSyntaxException)) throw cause
    throw new PatternError(cause.message, { cause })
  }
}
