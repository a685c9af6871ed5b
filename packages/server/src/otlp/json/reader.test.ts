import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OtlpError } from '../error.ts'
import { RowWriter } from '../row-writer.ts'
import { JsonReader } from './reader.ts'
import { JsonSkipper } from './skip.ts'

/** JSON strings, with needless and invalid escapes too. */
const stringText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text).slice(1, -1)),
      fc.nat(0xffff).map((code) => `\\u${code.toString(16).padStart(4, '0')}`),
      fc.constantFrom('\\/', '\\b', '\\ud83d\\ude00', '\\uD83D', '\\x', '\\u12', '\\'),
    ),
    { maxLength: 8 },
  )
  .map((parts) => `"${parts.join('')}"`)

test('a JSON string is read as by JSON.parse, and rejected where that throws', () => {
  const out = new RowWriter()
  fc.assert(
    fc.property(stringText, (text) => {
      out.reset()
      const json = new JsonReader(Buffer.from(text))
      const read = outcome(() => {
        json.string()
        json.writeString(out)
        json.atEnd()
        return stringOf(out)
      })
      expect(read).toEqual(outcome(() => Buffer.from(JSON.parse(text) as string).toString()))
    }),
    { numRuns: 5000 },
  )
})

const changedJson = fc
  .tuple(
    fc.jsonValue({ maxDepth: 5 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'[]{}:,"\\ 1-et')), { maxLength: 3 }),
  )
  .map(([value, changes]) => {
    const text = JSON.stringify(value)
    return changes.reduce((changed, [at, character]) => {
      const index = at % (changed.length + 1)
      return changed.slice(0, index) + character + changed.slice(index + 1)
    }, text)
  })

test('a skipped JSON value ends where it ends for JSON.parse, for any slice size', () => {
  fc.assert(
    fc.property(changedJson, fc.integer({ min: 1, max: 30 }), (text, slice) => {
      const json = new JsonReader(Buffer.from(text))
      const skipper = new JsonSkipper(json)
      const skipped = outcome(() => {
        while (!skipper.skip(json.pos + slice)) expect(json.pos).toBeLessThanOrEqual(Buffer.byteLength(text) + 1)
        json.atEnd()
        return 'valid'
      })
      expect(skipped).toBe(outcome(() => (JSON.parse(text), 'valid')))
    }),
    { numRuns: 5000 },
  )
})

test('a rejected JSON value is skipped to its end, for any slice size', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 30 }), (value, slice) => {
      const text = JSON.stringify(value)
      const json = new JsonReader(Buffer.from(`${text},`))
      const skipper = new JsonSkipper(json)
      while (!skipper.skipRejected(json.pos + slice)) expect(json.pos).toBeLessThanOrEqual(Buffer.byteLength(text) + 1)
      expect(json.pos).toBe(Buffer.byteLength(text))
    }),
    { numRuns: 2000 },
  )
})

function outcome(read: () => string): string {
  try {
    return read()
  } catch (error) {
    if (error instanceof OtlpError || error instanceof SyntaxError) return 'invalid'
    throw error
  }
}

/** The string after its length, which may be padded. */
function stringOf({ bytes, pos }: RowWriter): string {
  let at = 0
  while ((bytes[at] as number) >= 0x80) at++
  return bytes.toString('utf8', at + 1, pos)
}
