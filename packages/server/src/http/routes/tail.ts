import { setTimeout } from 'node:timers/promises'
import { TracesQuery, type FoundTrace, type SearchedRange } from '@spanlink/api-schema'
import type { FastifyInstance } from 'fastify'
import { searchByQuery } from '../../query/traces/search-by-query.ts'
import { searchTraces } from '../../query/traces/search.ts'
import { countMissingParts } from '../../query/sql/missing-parts.ts'
import type { Store } from '../../clickhouse/store.ts'
import { toProblem } from '../problems.ts'
import { createRequestLimit, TooManyRequestsError } from '../request-limit.ts'

const MAX_CLIENT_CONNECTIONS = 512
const MAX_READERS_PER_CLIENT = 32
/**
 * Each tail costs one search per second. With many tails, this limit makes each search less often.
 */
const SEARCHES = {
  running: 2,
  runningPerClient: 2,
  waiting: MAX_CLIENT_CONNECTIONS,
  waitingPerClient: MAX_CLIENT_CONNECTIONS,
  maxWaitMs: 120_000,
}
const INTERVAL_MS = 1000
/** Exporters and consumers may be late, and traces that started this long ago may still grow. */
const LOOKBACK_NANO = 15n * 60_000_000_000n
const MAX_TRACES = 100
/** Keeps the connection alive in proxies, and detects when it is dead. */
const INTERVALS_PER_COMMENT = 15
const MAX_STALLED_INTERVALS = 60

/**
 * Serves `GET /api/traces/tail`: matching traces as they arrive and grow, as server-sent events.
 * Event `traces` has a JSON array of the changes since the last one. If there were more than one
 * event holds, or the first event may lack rows of unreadable parts, event `partial` has the range
 * that was searched. A query that can't run gets the
 * usual problem response; later failures are event `problem`.
 */
export function tailTraces(app: FastifyInstance, store: Store): void {
  const searches = createRequestLimit(SEARCHES)
  const readers = new Map<string, number>()
  // A response to HEAD would never end.
  const options = { exposeHeadRoute: false, config: { role: 'read' }, schema: { querystring: TracesQuery } } as const
  app.get('/api/traces/tail', options, async (request, reply) => {
    const query = request.query as TracesQuery
    const left = new AbortController()
    reply.raw.once('close', () => left.abort())
    const { client } = request
    openTail(readers, client)
    const seen: Seen = { known: new Map() }
    const search = async (): Promise<readonly FoundTrace[]> => {
      const end = await searches.enter(client, left.signal)
      return await findChanges(store, query, seen, left.signal).finally(end)
    }
    try {
      const first = await search()
      reply.hijack()
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      // No socket timeout, as there is no data while nothing changes. Stalled clients are detected
      // below.
      reply.raw.socket?.setTimeout(0)
      if (seen.partial) reply.raw.write(formatEvent('partial', seen.partial))
      reply.raw.write(formatEvent('traces', first))
      let stalled = 0
      for (let turn = 1; !left.signal.aborted; turn += 1) {
        await setTimeout(INTERVAL_MS, undefined, { signal: left.signal })
        // Nothing more is sent to a stalled client. If it resumes in time, the next event has what
        // it missed.
        stalled = reply.raw.writableNeedDrain ? stalled + 1 : 0
        if (stalled > MAX_STALLED_INTERVALS) reply.raw.destroy()
        if (stalled > 0) continue
        // The session may have ended, or the token been revoked.
        request.reauthorize()
        const some = await search().catch((error: unknown) => {
          if (left.signal.aborted) throw error
          reply.raw.write(formatEvent('problem', toProblem(error)))
          return []
        })
        if (seen.partial) reply.raw.write(formatEvent('partial', seen.partial))
        if (some.length > 0) reply.raw.write(formatEvent('traces', some))
        else if (turn % INTERVALS_PER_COMMENT === 0) reply.raw.write(': still here\n\n')
      }
    } catch (error) {
      // Once the response has begun, only its end can say that the session has ended.
      if (!left.signal.aborted && !reply.sent) throw error
    } finally {
      closeTail(readers, client)
      if (reply.sent) reply.raw.end()
    }
    return reply
  })
}

/** @throws TooManyRequestsError */
function openTail(readers: Map<string, number>, client: string): void {
  const ofClient = readers.get(client) ?? 0
  const all = [...readers.values()].reduce((sum, count) => sum + count, 0)
  const openTails =
    ofClient >= MAX_READERS_PER_CLIENT ? `${ofClient} tails from this client` : `${all} tails of all clients`
  if (ofClient >= MAX_READERS_PER_CLIENT || all >= MAX_CLIENT_CONNECTIONS)
    throw new TooManyRequestsError(`${openTails} are open already; close one.`)
  readers.set(client, ofClient + 1)
}

function closeTail(readers: Map<string, number>, client: string): void {
  const left = (readers.get(client) ?? 0) - 1
  if (left > 0) readers.set(client, left)
  else readers.delete(client)
}

async function findChanges(
  store: Store,
  query: TracesQuery,
  seen: Seen,
  signal: AbortSignal,
): Promise<readonly FoundTrace[]> {
  const now = BigInt(Date.now()) * 1_000_000n
  const recent = { ...query, start: String(now - LOOKBACK_NANO), limit: MAX_TRACES }
  const { traces, searched, complete } = await (query.q === undefined
    ? searchTraces(store, recent, { signal })
    : searchByQuery(store, query.q, recent, { signal }))
  const isFirst = seen.at === undefined
  const isPartial = !complete && seen.at !== undefined && BigInt(searched.start) > seen.at
  seen.partial = isPartial ? { searched, complete } : undefined
  // Later searches look for rows that arrive now, which are in no lost part.
  if (isFirst && countMissingParts(store, 'traces', now - LOOKBACK_NANO) > 0)
    seen.partial = { searched, complete: false, missingParts: true }
  seen.at = now
  const fresh = traces.filter((trace) => seen.known.get(trace.traceId) !== toStateKey(trace))
  seen.known.clear()
  for (const trace of traces) seen.known.set(trace.traceId, toStateKey(trace))
  return fresh
}

/** Traces that were sent to a client, and the time of that search. */
type Seen = {
  readonly known: Map<string, string>
  at?: bigint
  /** More traces arrived than one search returns, or the first search may lack unreadable ones. */
  partial?: SearchedRange | undefined
}

function toStateKey({ spanCount, errorCount, linksIn, linksOut, durationNano }: FoundTrace): string {
  return [spanCount, errorCount, linksIn, linksOut, durationNano].join(' ')
}

function formatEvent(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
