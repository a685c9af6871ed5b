/**
 * An invalid or unsupported query, or one above a limit. `code` determines the HTTP status; `from`
 * and `to` are offsets into the query's text.
 */
export class TraceQLError extends Error {
  override readonly name = 'TraceQLError'
  readonly code: TraceQLErrorCode
  readonly from: number | undefined
  readonly to: number | undefined
  /** Line and column of `from`, from 1; columns count UTF-16 units. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** Valid alternatives at `from`, as text. */
  readonly expected: readonly string[]

  constructor(code: TraceQLErrorCode, message: string, range?: SourceRange, cause?: unknown) {
    const position = range && lineAndColumn(range.text, range.from)
    super(position ? `${message} (line ${position.line}, column ${position.column})` : message, { cause })
    this.code = code
    this.from = range?.from
    this.to = range?.to
    this.line = position?.line
    this.column = position?.column
    this.expected = range?.expected ?? []
  }
}

/** Returns undefined if `parse` throws a `TraceQLError`. */
export function tryParse<Result>(parse: () => Result): Result | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof TraceQLError) return undefined
    throw error
  }
}

/** `limit`: a valid query that exceeds a limit. `unsupported`: TraceQL that Spanlink lacks. */
export type TraceQLErrorCode = 'syntax' | 'type' | 'limit' | 'unsupported'

type SourceRange = {
  readonly text: string
  readonly from: number
  readonly to: number
  readonly expected?: readonly string[]
}

function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}
