import { InvalidParameterError } from './invalid-parameter.ts'
import { MAX_UINT64 } from './time-parameters.ts'

/** A `cursor` parameter that is not a `nextCursor` of the same endpoint and format version. */
export class InvalidCursorError extends InvalidParameterError {
  override readonly name = 'InvalidCursorError'

  constructor() {
    super('cursor', 'invalid cursor: expected nextCursor of a response of this endpoint.')
  }
}

const parsers = {
  /** Also Unix nanoseconds. */
  uint64: (text: string) => (/^[0-9]{1,20}$/.test(text) && BigInt(text) <= MAX_UINT64 ? BigInt(text) : undefined),
  /** Up to nine digits. */
  count: (text: string) => (/^[0-9]{1,9}$/.test(text) ? Number(text) : undefined),
  /** Up to two digits: safe as an exponent or a depth. */
  level: (text: string) => (/^[0-9]{1,2}$/.test(text) ? Number(text) : undefined),
  traceId: (text: string) => (/^[0-9a-f]{32}$/.test(text) ? text : undefined),
  spanId: (text: string) => (/^[0-9a-f]{16}$/.test(text) ? text : undefined),
  direction: (text: string) => (text === 'out' || text === 'in' ? text : undefined),
}

type Fields = Readonly<Record<string, keyof typeof parsers>>
type Value<Type extends keyof typeof parsers> = NonNullable<ReturnType<(typeof parsers)[Type]>>

export type CursorCodec<Of extends Fields> = {
  /** Accepts 64-bit integers as decimal text too, as ClickHouse returns them. */
  readonly encode: (position: {
    readonly [Name in keyof Of]: Value<Of[Name]> | (Of[Name] extends 'uint64' ? string : never)
  }) => string
  /** @throws InvalidCursorError */
  readonly decode: (text: string) => { readonly [Name in keyof Of]: Value<Of[Name]> }
}

/**
 * Converts a position in a list to `nextCursor` and back: `version.field.field…`.
 *
 * @param version names the list and the version of its fields, such as `logs1`. Change it with the
 *   fields, so that a cursor of an older server is rejected instead of misread.
 */
export function createCursorCodec<const Of extends Fields>(version: string, fields: Of): CursorCodec<Of> {
  const types = Object.entries(fields)
  return {
    encode: (position) => [version, ...types.map(([name]) => position[name])].join('.'),
    decode(text) {
      const [textVersion, ...values] = text.split('.')
      if (textVersion !== version || values.length !== types.length) throw new InvalidCursorError()
      const entries = types.map(([name, type], index) => {
        const value = parsers[type](values[index] ?? '')
        if (value === undefined) throw new InvalidCursorError()
        return [name, value] as const
      })
      return Object.fromEntries(entries) as ReturnType<CursorCodec<Of>['decode']>
    },
  }
}
