import { parseDuration } from '@spanlink/api-schema/duration'
import { type Signal, signals } from '../clickhouse/tables.ts'
import type { Parser } from './args.ts'

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Data is deleted by day of arrival: a shorter retention is a mistyped unit. */
const MIN_RETENTION_SECONDS = 60

/** In seconds; `none` is Infinity. */
export type RetentionSeconds = number | Readonly<Partial<Record<Signal, number>>>

/** Of all signals, or per signal. */
export const retentionParser: Parser<RetentionSeconds> = {
  expected: 'a duration such as 7d, 12h or 30m, at least 1m, or none; or traces=7d,logs=3d,metrics=30d',
  parse: (text) => {
    if (!text.includes('=')) return parseRetention(text)
    const entries = text.split(',').map((item) => item.split('=').map((side) => side.trim()))
    const found = new Map(entries.map(([name, value = '']) => [name, parseRetention(value)]))
    const isValid =
      entries.every(([name, ...values]) => signals.some((one) => one === name) && values.length === 1) &&
      found.size === entries.length &&
      ![...found.values()].includes(undefined)
    return isValid ? Object.fromEntries(found) : undefined
  },
}

/** In seconds. */
export const durationParser: Parser<number> = {
  expected: 'a duration such as 12h or 30m',
  parse: parseSeconds,
}

function parseRetention(text: string): number | undefined {
  if (text === 'none') return Infinity
  const seconds = parseSeconds(text)
  return seconds !== undefined && seconds >= MIN_RETENTION_SECONDS ? seconds : undefined
}

/** In bytes; `none` is Infinity. */
export const diskSizeParser: Parser<number> = {
  expected: 'a size such as 20GB or 500MB, or none',
  parse: (text) => (text === 'none' ? Infinity : parseBytes(text)),
}

/** In bytes. */
export const sizeParser: Parser<number> = { expected: 'a size such as 5MB or 500KiB', parse: parseBytes }

/** With less, ClickHouse can't merge and a request of the maximum size doesn't fit. */
const MIN_MEMORY_BYTES = 640 * 2 ** 20

/** In bytes. */
export const memoryParser: Parser<number> = {
  expected: 'a size such as 1GiB or 2GB, at least 640MiB',
  parse: (text) => {
    const bytes = parseBytes(text)
    return bytes !== undefined && bytes >= MIN_MEMORY_BYTES ? bytes : undefined
  },
}

export const portParser: Parser<number> = {
  expected: 'a port from 0 to 65535',
  parse: (text) => (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined),
}

/** Comma-separated items, trimmed. */
export const listParser: Parser<readonly string[]> = {
  expected: 'values separated by commas',
  parse: (text) => {
    const items = text.split(',').map((item) => item.trim())
    return items.includes('') ? undefined : items
  },
}

export const textParser: Parser<string> = { expected: 'a value', parse: (text) => (text === '' ? undefined : text) }

/** Without a trailing slash. */
export const urlParser: Parser<string> = {
  expected: 'a URL such as http://127.0.0.1:4319',
  parse: (text) => {
    const url = URL.parse(text)
    return url !== null && /^https?:$/.test(url.protocol)
      ? `${url.origin}${url.pathname.replace(/\/+$/, '')}`
      : undefined
  },
}

export const traceIdParser: Parser<string> = {
  expected: 'a trace ID of 32 hex digits',
  parse: (text) => (/^[0-9a-f]{32}$/i.test(text) ? text.toLowerCase() : undefined),
}

/** A time in the past, relative or absolute, in Unix nanoseconds. */
export const timeParser: Parser<string> = {
  expected: 'a time such as 15m, 2h or 7d ago, or 2026-01-31T10:00:00Z',
  parse: (text) => {
    const seconds = parseSeconds(text)
    const millis = seconds === undefined ? Date.parse(text) : Date.now() - seconds * 1000
    return millis >= 0 ? String(BigInt(Math.floor(millis)) * 1_000_000n) : undefined
  },
}

export function countParser(max: number): Parser<number> {
  return {
    expected: `a number from 1 to ${max}`,
    parse: (text) => (/^[0-9]{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max ? Number(text) : undefined),
  }
}

export function choiceParser<const Choice extends string>(choices: readonly Choice[]): Parser<Choice> {
  return {
    expected: choices.join(choices.length === 2 ? ' or ' : ', '),
    parse: (text) => choices.find((choice) => choice === text.toLowerCase()),
  }
}

/** Upper case and blanks before units are accepted. */
function parseSeconds(text: string): number | undefined {
  const nanos = parseDuration(text.toLowerCase().replaceAll(/\s+(?=[a-z])/g, ''))
  const seconds = Number(nanos ?? 0n) / 1e9
  return seconds > 0 && Number.isFinite(seconds) ? seconds : undefined
}

function parseBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)$/i.exec(text) ?? []
  const bytes = Number(digits) * (BYTES[unit.toLowerCase()] ?? Number.NaN)
  return bytes > 0 && Number.isFinite(bytes) ? bytes : undefined
}
