import { Type, type Static } from 'typebox'
import { describe } from './describe.ts'

export const TraceId = describe(
  '32 hex digits. Requests may use upper case; responses use lower case.',
  Type.String({ pattern: '^[0-9a-fA-F]{32}$' }),
)

export const SpanId = describe(
  '16 hex digits. Requests may use upper case; responses use lower case.',
  Type.String({ pattern: '^[0-9a-fA-F]{16}$' }),
)

export const UnixNano = describe(
  'Unix nanoseconds as a decimal string: a JSON number would lose the last digits.',
  Type.String({ pattern: '^[0-9]{1,20}$' }),
)

export const Nano = describe(
  'Duration in nanoseconds as a decimal string. Negative when clocks disagree.',
  Type.String({ pattern: '^-?[0-9]{1,20}$' }),
)

export const Duration = describe(
  'Duration with a unit (ns, us, ms, s, m, h): `250us`, `1.5ms`, `2s`, `3m`, `1h`.',
  Type.String({
    pattern: '^[0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h)$',
  }),
)

export const SpanKind = Type.Enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'])
export type SpanKind = Static<typeof SpanKind>

export const StatusCode = Type.Enum(['unset', 'ok', 'error'])
export type StatusCode = Static<typeof StatusCode>
