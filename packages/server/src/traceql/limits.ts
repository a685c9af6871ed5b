/** Bounds of one query, each with the message a person gets when it is reached. */
export const limits = {
  /** UTF-16 units. */
  queryLength: 8_192,
  /** Nested parentheses, unary operators and operands. */
  depth: 64,
  /**
   * Binary operators: each may be a level of the tree that the query is, which is walked
   * recursively.
   */
  operators: 1_000,
  /**
   * Different `{ }` filters in one query; each is a column of the rows that structure is read from.
   */
  filters: 32,
  /** Fields that by(), select() and conditions name. */
  fields: 64,
  /** Traces whose structure is looked at for one answer. */
  candidateTraces: 10_000,
  /** Traces read in one go: at first, and at most once few of them turn out to match. */
  chunkTraces: 250,
  largestChunk: 2_000,
  /**
   * Spans read in one go. A chunk over it is read in halves; one trace over it is cut there, and
   * told.
   */
  chunkSpans: 250_000,
  /** Steps of a walk over links, and traces on it. */
  linkHops: 8,
  linkTraces: 1_000,
  linkEdges: 100_000,
  /** Series and points of a metrics answer. */
  series: 1_000,
  points: 11_000,
  exemplars: 500,
  timeoutMs: 10_000,
} as const
