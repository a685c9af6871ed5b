import { parseArgs } from 'node:util'
import { UsageError } from './serve/serve-options.ts'

export type Flags = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>

export type ClientArgs = {
  /** Base of pages and API, without a slash at its end. */
  readonly url: string
  readonly json: boolean
  readonly positionals: readonly string[]
  readonly text: (flag: string) => string | undefined
  readonly isSet: (flag: string) => boolean
}

/**
 * Reads what follows a command that asks a running server.
 *
 * @param wanted how many arguments besides flags there are: least and most, and what to call them
 * @throws UsageError
 */
export function parseClientArgs(
  args: readonly string[],
  flags: Flags,
  wanted: { readonly least: number; readonly most: number; readonly what: string },
): ClientArgs {
  const { values, positionals } = parse(args, { url: { type: 'string' }, json: { type: 'boolean' }, ...flags })
  if (positionals.length < wanted.least) throw new UsageError(`${wanted.what} is missing.`)
  if (positionals.length > wanted.most) {
    throw new UsageError(`${JSON.stringify(positionals[wanted.most])} is one argument too many.`)
  }
  const text = (flag: string): string | undefined => {
    const value = values[flag]
    return typeof value === 'string' ? value : undefined
  }
  return {
    url: baseUrl(text('url') ?? process.env['SPANLINK_URL'] ?? 'http://127.0.0.1:4319'),
    json: values['json'] === true,
    positionals,
    text,
    isSet: (flag) => values[flag] === true,
  }
}

/** @throws UsageError */
export function traceIdOf(text: string | undefined): string {
  const id = (text ?? '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(id)) throw new UsageError(`${JSON.stringify(text)} is no trace id: 32 hex digits.`)
  return id
}

/**
 * A time as people say it, in Unix nanoseconds: how long ago (`15m`, `2h`, `7d`), or a date
 * (`2026-01-31T10:00Z`).
 *
 * @throws UsageError
 */
export function timeOf(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const [, amount, unit] = /^([0-9]+(?:\.[0-9]+)?)(s|m|h|d|w)$/.exec(text) ?? []
  const millis = unit === undefined ? Date.parse(text) : Date.now() - Number(amount) * (MILLIS[unit] ?? 0)
  if (!(millis >= 0)) {
    throw new UsageError(`${flag} ${text} is no time. It looks like 15m, 2h, 7d or 2026-01-31T10:00:00Z.`)
  }
  return String(BigInt(Math.floor(millis)) * 1_000_000n)
}

const MILLIS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** @throws UsageError */
export function countOf(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined
  const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(count >= 1 && count <= most)) throw new UsageError(`${flag} ${text} is not a number from 1 to ${most}.`)
  return count
}

type Values = Readonly<Record<string, string | boolean | undefined>>

function parse(
  args: readonly string[],
  options: Flags,
): { readonly values: Values; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true }) as {
      readonly values: Values
      readonly positionals: string[]
    }
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\.\s/)[0]?.replace(/\.$/, '')}.`)
  }
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--url ${text} is none. It looks like http://127.0.0.1:4319.`)
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
