import { Type } from 'typebox'
import { parseDuration } from '@spanlink/api-schema/duration'
import { ToolError } from '../tool-error.ts'
import { quote } from '../text/quote.ts'
import { durationArgument } from './shared.ts'

const time = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 40, description }))

/** Arguments of tools that search a range of time. */
export const timeArguments = {
  since: durationArgument(
    'Length of the range before `end`: "15m", "6h", "7d". Default "1h". Not together with `start`.',
  ),
  start: time('Start: ISO 8601 such as "2026-01-31T10:00:00Z", or Unix nanoseconds.'),
  end: time('End (exclusive), in the same formats. Default: now.'),
}

export type TimeArguments = {
  readonly since?: string
  readonly start?: string
  readonly end?: string
}

/** Unix nanoseconds. */
export type TimeWindow = {
  readonly start: string
  readonly end: string
  /** Of the page's `last` parameter, if the window ends now. */
  readonly last: string | undefined
}

const DEFAULT_SINCE = '1h'

/** @throws ToolError */
export function resolveWindow({ since, start, end }: TimeArguments, nowMs: number): TimeWindow {
  if (since !== undefined && start !== undefined) throw new ToolError('Give since or start, not both.')
  const to = end === undefined ? BigInt(Math.floor(nowMs)) * 1_000_000n : parseTime('end', end)
  const length = parseDuration(since ?? DEFAULT_SINCE) ?? 0n
  const from = start === undefined ? to - length : parseTime('start', start)
  const first = from < 0n ? 0n : from
  if (first >= to) throw new ToolError('The time range is empty: start must be before end.')
  const last = end === undefined && start === undefined ? (since ?? DEFAULT_SINCE) : undefined
  return { start: String(first), end: String(to), last }
}

function parseTime(name: string, text: string): bigint {
  if (/^[0-9]{1,20}$/.test(text)) return BigInt(text)
  const millis = Date.parse(text)
  if (Number.isNaN(millis) || millis < 0 || !/^[0-9]{4}-/.test(text)) {
    const expected = 'ISO 8601 such as "2026-01-31T10:00:00Z", or Unix nanoseconds'
    throw new ToolError(`Invalid ${name} ${quote(text, 40)}: expected ${expected}.`)
  }
  return BigInt(millis) * 1_000_000n
}
