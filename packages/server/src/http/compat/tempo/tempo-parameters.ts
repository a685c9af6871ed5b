import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'
import { getDefaultEnd, MAX_UINT64, parseDuration } from '../../../query/sql/time-parameters.ts'
import { getText, parseCount, type TextQuery } from '../query.ts'
import { attributeCondition } from '../tag-condition.ts'

const SECOND = 1_000_000_000n

/** Parses `[start, end)` to Unix nanoseconds. Defaults to all time up to one day from now. */
export function parseTempoWindow(query: TextQuery): { readonly start: bigint; readonly end: bigint } {
  const start = parseTime('start', getText(query, 'start')) ?? 0n
  const end = parseTime('end', getText(query, 'end')) ?? getDefaultEnd(start)
  // Both are whole seconds, and Tempo includes the second of `end`.
  if (end === start) return { start, end: end + SECOND }
  if (end < start) throw new InvalidParameterError('start', 'invalid start: expected a time before end')
  return { start, end }
}

/** Parses a count; 0 means the maximum, as in Tempo. */
export function parseLimit(query: TextQuery, name: string, missing: number, max: number): number {
  return parseCount(query, [name], { missing, zero: max, max })
}

/** Parses `15s`, `1m` or a number of seconds. `undefined` if absent. */
export function parseStep(query: TextQuery): bigint | undefined {
  const text = getText(query, 'step')
  if (text === undefined) return undefined
  const step = parseDuration('step', /^[0-9.]+$/.test(text) ? `${text}s` : text)
  if (step <= 0n) throw new InvalidParameterError('step', 'invalid step: expected more than 0')
  return step
}

/** Returns `q`, or Tempo's legacy `tags` (logfmt), `minDuration` and `maxDuration` as TraceQL. */
export function toSearchQuery(query: TextQuery): string {
  const q = getText(query, 'q')
  if (q !== undefined) return q
  const conditions = parseTags(getText(query, 'tags') ?? '').map(([key, value]) => toLegacyCondition(key, value))
  for (const [name, sign] of [
    ['minDuration', '>='],
    ['maxDuration', '<='],
  ] as const) {
    const text = getText(query, name)
    if (text !== undefined) conditions.push(`duration ${sign} ${parseDuration(name, text)}ns`)
  }
  return `{ ${conditions.join(' && ')} }`
}

/** Parses logfmt: `key=value key="quoted value"`. Skips keys without `=`. */
function parseTags(text: string): (readonly [key: string, value: string])[] {
  const tags: (readonly [string, string])[] = []
  // Sticky: each match starts where the previous one ended, so parsing takes linear time.
  const pair = /\s*([^\s=]+)(?:=(?:"((?:[^"\\]|\\.)*)"|(\S*)))?|\s*=\S*/y
  for (let match = pair.exec(text); match !== null && match[0] !== ''; match = pair.exec(text)) {
    const [, key, quoted, bare] = match
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare
    if (key !== undefined && value !== undefined) tags.push([key, value])
  }
  return tags
}

/** Maps names of Tempo's legacy search to fields of the span or its trace. */
function toLegacyCondition(key: string, value: string): string {
  const field = legacyFields[key]
  if (field !== undefined) return `${field} = ${JSON.stringify(value)}`
  if (key === 'status.code' && STATUSES.has(value)) return `status = ${value}`
  if (key === 'error' && (value === 'true' || value === 'false')) return `status ${value === 'true' ? '=' : '!='} error`
  return attributeCondition([''], key, value)
}

const legacyFields: Readonly<Record<string, string>> = {
  name: 'name',
  'root.name': 'trace:rootName',
  'root.service.name': 'trace:rootService',
}

const STATUSES: ReadonlySet<string> = new Set(['error', 'ok', 'unset'])

/** Parses RFC 3339, or Unix time in seconds, milliseconds or nanoseconds, distinguished by size. */
function parseTime(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  const [, whole, fraction = ''] = /^([0-9]{1,20})(?:\.([0-9]+))?$/.exec(text) ?? []
  if (whole !== undefined) {
    const unit = whole.length <= 11 ? SECOND : whole.length <= 14 ? 1_000_000n : 1n
    const rest = (BigInt(fraction.slice(0, 9).padEnd(9, '0')) * unit) / SECOND
    const nanos = BigInt(whole) * unit + rest
    return nanos > MAX_UINT64 ? MAX_UINT64 : nanos
  }
  const millis = Date.parse(text)
  if (!(millis >= 0)) throw new InvalidParameterError(name, `invalid ${name}: expected Unix seconds or RFC 3339`)
  return BigInt(millis) * 1_000_000n
}
