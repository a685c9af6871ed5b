import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { abortOnDisconnect } from './abort-signal.ts'
import { createRequestLimit, TooManyRequestsError } from './request-limit.ts'

/** More concurrent searches only compete for cores and memory, and leave too little for inserts. */
const RUNNING_SEARCHES = Math.min(8, Math.max(4, 2 * availableParallelism()))
const RUNNING_LOOKUPS = 16

/** Maximum share of one client, to leave room for others. */
const PER_CLIENT = 0.75

declare module 'fastify' {
  interface FastifyRequest {
    /** Lets the next query run. Called when the response is sent: only streams call it earlier. */
    endQuery: (() => void) | undefined
  }
}

const WAITING = { waiting: 256, waitingPerClient: 64, maxWaitMs: 10_000 }

/** Requests for one trace take milliseconds and do not wait for searches. */
const LOOKUP = /\/traces\/:/
const UNLIMITED: ReadonlySet<string> = new Set([
  '/api/ready',
  '/api/status',
  '/api/openapi.json',
  '/api/session',
  '/api/session/oidc',
  '/api/session/oidc/callback',
  '/tempo/api/echo',
  '/tempo/api/status/buildinfo',
  // Has its limit in tail.ts.
  '/api/traces/tail',
])

/**
 * Queues requests that run queries, with limits per client. Responds 429, and counts it, if the
 * queue is full or the wait too long.
 */
export function limitQueries(app: FastifyInstance, rejected: { rateLimited: number }): void {
  const limitOf = (running: number) =>
    createRequestLimit({ ...WAITING, running, runningPerClient: Math.floor(running * PER_CLIENT) })
  const [searches, lookups] = [limitOf(RUNNING_SEARCHES), limitOf(RUNNING_LOOKUPS)]
  app.decorateRequest('endQuery')
  app.addHook('preHandler', async (request, reply) => {
    const route = request.routeOptions.url ?? ''
    if (UNLIMITED.has(route) || !/^\/(api|tempo|tempopb\.\w+|jaeger)\//.test(route)) return
    const limit = LOOKUP.test(route) ? lookups : searches
    const { client, principal } = request
    const { concurrentQueries } = principal?.limits ?? {}
    const end = await limit.enter(client, abortOnDisconnect(reply), concurrentQueries).catch((error: unknown) => {
      // Set here, as the Tempo and Jaeger APIs have error formats of their own.
      void reply.header('retry-after', '1')
      if (error instanceof TooManyRequestsError) rejected.rateLimited++
      throw error
    })
    request.endQuery = end
    // Also when the client disconnects.
    reply.raw.once('close', end)
  })
  // Not after the response was sent: a slow client would hold its slot.
  app.addHook('onSend', async (request) => request.endQuery?.())
}
