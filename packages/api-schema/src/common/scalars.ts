import { Type, type Static } from 'typebox'
import { describe } from './describe.ts'
import { DURATION_PATTERN } from './duration.ts'

/** `x-expected` completes the message of an invalid parameter: `invalid step "x": expected …`. */
function formattedString(pattern: string, expected: string) {
  return Type.String({ pattern, 'x-expected': expected })
}

export const TraceId = describe(
  '32 hex digits. Requests may use upper case; responses use lower case.',
  formattedString('^[0-9a-fA-F]{32}$', '32 hex digits'),
)

export const SpanId = describe(
  '16 hex digits. Requests may use upper case; responses use lower case.',
  formattedString('^[0-9a-fA-F]{16}$', '16 hex digits'),
)

export const UnixNano = describe(
  'Unix nanoseconds as a decimal string: a JSON number would lose the last digits.',
  formattedString('^[0-9]{1,20}$', 'Unix nanoseconds'),
)

export const Nano = describe(
  'Duration in nanoseconds as a decimal string. Negative when clocks disagree.',
  Type.String({ pattern: '^-?[0-9]{1,20}$' }),
)

export const Duration = describe(
  'Duration with units (ns, us, ms, s, m, h, d, w, y): `250us`, `1.5ms`, `2s`, `1h30m`, `1d`.',
  formattedString(`^${DURATION_PATTERN}$`, 'a duration such as 250us, 1.5ms or 1h'),
)

export const SpanKind = Type.Enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'])
export type SpanKind = Static<typeof SpanKind>

export const StatusCode = Type.Enum(['unset', 'ok', 'error'])
export type StatusCode = Static<typeof StatusCode>
