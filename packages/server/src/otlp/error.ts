/** Why a request is rejected. The receiver's response depends on the code alone. */
export type OtlpErrorCode =
  /** The bytes end inside a field, or a length points past its message. */
  | 'truncated'
  /**
   * Invalid protobuf: a varint of more than ten bytes, field number 0, an unknown wire type or an
   * unpaired group.
   */
  | 'malformed'
  /** Values nested deeper than `MAX_DEPTH`. */
  | 'too-deep'
  /** An item exceeds a limit of `limits.ts`. */
  | 'over-limit'
  /** The rows would be larger than `MAX_TABLE_BYTES`. */
  | 'too-large'
  /** Invalid JSON, or JSON that is not UTF-8. */
  | 'bad-json'
  /** A JSON field whose type or range does not match OTLP. */
  | 'bad-field'

export class OtlpError extends Error {
  readonly code: OtlpErrorCode

  constructor(code: OtlpErrorCode, message: string, options?: ErrorOptions) {
    // Stack traces are useless here and cost microseconds each; a request may cause 250,000 errors.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'OtlpError'
    this.code = code
  }
}

/**
 * Maximum nesting of AnyValues and unknown groups: far above any exporter, far below the stack
 * limit.
 */
export const MAX_DEPTH = 64
