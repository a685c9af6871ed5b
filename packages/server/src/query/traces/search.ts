import type { TracesResponse, TracesQuery, TraceSummary } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { createCursorCodec } from '../sql/cursor.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { findNewest, type Position } from './find-newest.ts'
import { spanFilter } from './span-filter.ts'
import { fetchSummaries } from './summaries/fetch-summaries.ts'

/** Traces with a span that satisfies every filter at once, newest first by the newest such span. */
export async function searchTraces(store: Store, query: TracesQuery, options: QueryOptions): Promise<TracesResponse> {
  const limit = query.limit ?? 50
  const filter = spanFilter(query)
  const cursor = query.cursor === undefined ? undefined : traceCursor.decode(query.cursor)
  const found: Match[] = []
  const positions: Position[] = []
  const fetchNext = async (): Promise<void> => {
    const next = positions.splice(0, limit + 1 - found.length)
    found.push(...(await fetchMatches(store, next, options)))
  }
  // One more than requested shows whether there is a next page.
  for await (const batch of findNewest(store, filter, cursor, limit + 1, options)) {
    positions.push(...batch)
    while (found.length <= limit && found.length + positions.length > limit) await fetchNext()
    if (found.length > limit) break
  }
  if (found.length <= limit) await fetchNext()
  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : undefined
  const range = { start: filter.from, end: filter.to + 1n, hasDefaultEnd: query.end === undefined }
  return {
    traces: page.map((match) => match.summary),
    ...toSearchedRange(range, { from: cursor?.newest, until: last?.newest }),
    ...(last === undefined ? {} : { nextCursor: traceCursor.encode(last) }),
  }
}

const traceCursor = createCursorCodec('traces1', { newest: 'uint64', traceId: 'traceId' })

type Match = Position & { readonly summary: TraceSummary }

async function fetchMatches(store: Store, positions: readonly Position[], options: QueryOptions): Promise<Match[]> {
  const ids = positions.map((position) => position.traceId)
  const summaries = await fetchSummaries(store, ids, options)
  // Retention may delete a trace between two statements.
  return positions.flatMap((position) => {
    const summary = summaries.get(position.traceId)
    return summary === undefined ? [] : [{ ...position, summary }]
  })
}
