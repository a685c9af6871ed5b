/** Why a request can't be taken; what the receiver answers follows from the code alone. */
export type OtlpErrorCode =
  /** The bytes end inside a field, or a length points past its message. */
  | 'truncated'
  /**
   * No protobuf: a varint of more than ten bytes, field number 0, an unknown wire type, an unpaired
   * group.
   */
  | 'malformed'
  /** Values nested deeper than `MAX_DEPTH`. */
  | 'too-deep'
  /** An item beyond what `limits.ts` allows. */
  | 'over-limit'
  /** The rows would be larger than `MAX_TABLE_BYTES`. */
  | 'too-large'
  /** No JSON, or JSON that isn't UTF-8. */
  | 'bad-json'
  /** JSON whose field has a type or a range that OTLP doesn't give it. */
  | 'bad-field'

export class OtlpError extends Error {
  readonly code: OtlpErrorCode

  constructor(code: OtlpErrorCode, message: string, options?: ErrorOptions) {
    // Where it was thrown helps nobody, and costs microseconds: a request may have a quarter of a
    // million of them.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'OtlpError'
    this.code = code
  }
}

/**
 * How deep AnyValues (and unknown groups) may nest: far above any sender, far below the stack's
 * end.
 */
export const MAX_DEPTH = 64
