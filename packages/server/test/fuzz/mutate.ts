import { pick, type Random, randomInt } from '../../../testkit/src/otlp/random.ts'

/** Lengths and numbers at the limits of parsers. */
const VARINTS = [
  [0x00],
  [0x7f],
  [0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
] as const

/** The bytes of a request with one to eight changes. */
export function mutateBytes(random: Random, original: Buffer, other: Buffer): Buffer {
  let bytes = Buffer.from(original)
  for (let change = few(random, 8); change > 0; change--) {
    const at = randomInt(random, bytes.length + 1)
    const end = Math.min(bytes.length, at + 1 + randomInt(random, 24))
    switch (randomInt(random, 8)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << randomInt(random, 8))
        break
      case 1:
        if (at < bytes.length) bytes[at] = randomInt(random, 256)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
        break
      case 4:
        bytes = bytes.subarray(0, at)
        break
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, VARINTS)), bytes.subarray(at)])
        break
      case 6: {
        const from = randomInt(random, other.length + 1)
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + 64), bytes.subarray(end)])
        break
      }
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), noise(random, 1 + randomInt(random, 16)), bytes.subarray(at)])
    }
  }
  return bytes
}

const WORDS = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '-1',
  '-0',
  '1e999',
  '1e-999',
  '0.1',
  '18446744073709551616',
  '"18446744073709551615"',
  '"-9223372036854775809"',
  '"NaN"',
  '"Infinity"',
  '"\\ud800"',
  '"\\u0000"',
  '"0x10"',
  '"traceId"',
  '{"intValue":{}}',
  '{"arrayValue":{"values":[null]}}',
  '"start_time_unix_nano"',
  '"\\u0073pans"',
  '"SPAN_KIND_CLIENT"',
  '12345678901234567890123456789012345678901',
  '1e3',
  '01',
] as const

/**
 * JSON that was a request: tokens swapped, dropped, doubled, nested without end, then sometimes its
 * bytes.
 */
export function mutateJson(random: Random, original: string, other: string): Buffer {
  const tokens = original.match(/"(?:[^"\\]|\\.)*"|[\d.eE+-]+|[[\]{}:,]|\w+/g) ?? []
  const others = other.match(/"(?:[^"\\]|\\.)*"|[\d.eE+-]+|\w+/g) ?? ['0']
  for (let change = few(random, 4); change > 0; change--) {
    const at = randomInt(random, tokens.length)
    switch (randomInt(random, 7)) {
      case 0:
        tokens[at] = pick(random, WORDS)
        break
      case 5:
        // Moves the rest past the end of a slice.
        tokens[at] += ' '.repeat(2 ** randomInt(random, 19))
        break
      case 1:
        tokens.splice(at, 1)
        break
      case 2:
        tokens.splice(at, 0, tokens[randomInt(random, tokens.length)] ?? '')
        break
      case 3:
        tokens[at] = pick(random, others)
        break
      case 4: {
        const deep = 10 ** randomInt(random, 5)
        tokens[at] = `${'['.repeat(deep)}${random() < 0.5 ? ']'.repeat(deep) : ''}`
        break
      }
      default:
        tokens[at] = pick(random, WORDS)
    }
  }
  const bytes = Buffer.from(tokens.join(''))
  return random() < 0.2 ? mutateBytes(random, bytes, Buffer.from(other)) : bytes
}

const PIECES = [
  '{',
  '}',
  '(',
  ')',
  '|',
  '&&',
  '||',
  '!',
  '=',
  '=~',
  '!~',
  '>>',
  '<<',
  '->>',
  '<<-',
  '~',
  '"',
  '`',
  '\\',
  ' ',
  '.',
  'nil',
  'span.',
  'resource.',
  'link:',
  'event.',
  'rate()',
  'count()',
  'quantile_over_time(duration, .9)',
  'by(name)',
  'select(',
  '1h',
  '-1ns',
  '9223372036854775808',
  '1e308',
  '"\'; drop table spans --"',
  '"(a+)+$"',
  '"[["',
  '\u0000',
  '\u{1f600}',
  '{p:String}',
] as const

/** The text of a query with a few changes. */
export function mutateText(random: Random, original: string, other: string): string {
  let text = original
  for (let change = few(random, 4); change > 0; change--) {
    const at = randomInt(random, text.length + 1)
    const end = at + 1 + randomInt(random, 6)
    switch (randomInt(random, 5)) {
      case 0:
        text = text.slice(0, at) + text.slice(end)
        break
      case 1:
        text = text.slice(0, at) + pick(random, PIECES) + text.slice(at)
        break
      case 2:
        text = text.slice(0, at) + other.slice(randomInt(random, other.length + 1))
        break
      case 3:
        text = text.slice(0, at) + pick(random, PIECES).repeat(1 + randomInt(random, 200)) + text.slice(end)
        break
      default:
        text = text.slice(0, end) + text.slice(at)
    }
  }
  return text.slice(0, 6000)
}

/** Mostly one: a request with a single error is parsed the furthest. */
function few(random: Random, max: number): number {
  return random() < 0.6 ? 1 : 1 + randomInt(random, max)
}

export function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => randomInt(random, 256)))
}
