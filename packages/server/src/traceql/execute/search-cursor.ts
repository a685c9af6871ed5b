import { createCursorCodec } from '../../query/sql/cursor.ts'
import { limits } from '../limits.ts'

/**
 * Position in the order in which a search finds traces: by the first lookback window that contains
 * them, then newest first, then by id. Later spans move nothing behind a position.
 *
 * In Unix nanoseconds, `anchor`: windows are counted back from it; `since`: start of the window;
 * `foundSince`: start of the window before it; `newest`: start of the trace's newest span that a
 * filter matches.
 */
export const searchCursor = createCursorCodec('search2', {
  anchor: 'uint64',
  since: 'uint64',
  foundSince: 'uint64',
  newest: 'uint64',
  traceId: 'traceId',
})

export type Position = ReturnType<typeof searchCursor.decode>

/** Warns of a page that has fewer traces than requested and a next page. */
export const pageLimitWarning = `This page stopped after ${limits.candidateTraces} traces that may match: load more, choose a shorter time range or add conditions.`
