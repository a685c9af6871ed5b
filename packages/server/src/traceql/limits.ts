/** Limits of one query. */
export const limits = {
  /** UTF-16 units. */
  queryLength: 8_192,
  /** Nested parentheses, unary operators and operands. */
  depth: 64,
  /**
   * Binary operators: each may be one level of the syntax tree, which is traversed recursively.
   */
  operators: 1_000,
  /**
   * Different `{ }` filters of one query; each is a column of the fetched rows.
   */
  filters: 32,
  /** Fields that by(), select() and conditions name. */
  fields: 64,
  /** Traces read for one page. */
  candidateTraces: 10_000,
  /**
   * Traces per statement: at first, and at most. Thousands at once read as many granules as some
   * hundreds.
   */
  chunkTraces: 64,
  largestChunk: 4_096,
  /**
   * Spans per statement, and bytes as ClickHouse counts them: ten times those sent. A larger chunk
   * is halved.
   */
  chunkSpans: 100_000,
  chunkBytes: 256 * 1024 * 1024,
  /** Spans read of one trace; a larger one is truncated with a warning. */
  traceSpans: 250_000,
  /** Hops, traces and links of one link traversal. */
  linkHops: 8,
  linkTraces: 1_000,
  linkEdges: 100_000,
  /** Series and points of a metrics result. */
  series: 1_000,
  points: 11_000,
  exemplars: 500,
  timeoutMs: 10_000,
} as const
