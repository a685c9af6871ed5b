import { Type, type Static } from 'typebox'

/** 32 lower-case hex digits. Upper case is accepted in requests and answered in lower case. */
export const TraceId = Type.String({ pattern: '^[0-9a-fA-F]{32}$', description: '32 hex digits' })

/** 16 lower-case hex digits. */
export const SpanId = Type.String({ pattern: '^[0-9a-fA-F]{16}$', description: '16 hex digits' })

/** Unix nanoseconds as a decimal string: a JSON number would lose the last digits. */
export const UnixNano = Type.String({ pattern: '^[0-9]{1,20}$', description: 'Unix nanoseconds, decimal' })

/** A length of time in nanoseconds as a decimal string. Negative when two clocks disagree. */
export const Nano = Type.String({ pattern: '^-?[0-9]{1,20}$', description: 'nanoseconds, decimal' })

/** A length of time in a query: `250us`, `1.5ms`, `2s`, `3m`, `1h`. */
export const Duration = Type.String({
  pattern: '^[0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h)$',
  description: 'a number with a unit: ns, us, ms, s, m or h',
})

export const SpanKind = Type.Enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'])
export type SpanKind = Static<typeof SpanKind>

export const StatusCode = Type.Enum(['unset', 'ok', 'error'])
export type StatusCode = Static<typeof StatusCode>
