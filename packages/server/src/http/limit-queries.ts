import { availableParallelism } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { abortOnDisconnect } from './abort-signal.ts'
import { toClientId, createRequestLimit } from './request-limit.ts'

/** More at a time only share cores and memory, and would leave inserts too little of both. */
const RUNNING_SEARCHES = Math.min(8, Math.max(4, 2 * availableParallelism()))
const RUNNING_LOOKUPS = 16

/** A place is left for another client. */
const PER_CLIENT = 0.75

const WAITING = { waiting: 256, waitingPerClient: 64, maxWaitMs: 10_000 }

/** Of one trace: milliseconds, and they needn't wait for searches. */
const LOOKUP = /\/traces\/:/
const UNLIMITED: ReadonlySet<string> = new Set([
  '/api/ready',
  '/api/status',
  '/api/openapi.json',
  '/tempo/api/echo',
  '/tempo/api/status/buildinfo',
  // It limits itself.
  '/api/traces/tail',
])

/** Requests that run queries wait for their turn, few of each client, or get 429. */
export function limitQueries(app: FastifyInstance): void {
  const limitOf = (running: number) =>
    createRequestLimit({ ...WAITING, running, runningPerClient: Math.floor(running * PER_CLIENT) })
  const [searches, lookups] = [limitOf(RUNNING_SEARCHES), limitOf(RUNNING_LOOKUPS)]
  const ends = new WeakMap<object, () => void>()
  app.addHook('preHandler', async (request, reply) => {
    const route = request.routeOptions.url ?? ''
    if (UNLIMITED.has(route) || !/^\/(api|tempo|jaeger)\//.test(route)) return
    const limit = LOOKUP.test(route) ? lookups : searches
    const end = await limit.enter(toClientId(request.ip), abortOnDisconnect(reply)).catch((error: unknown) => {
      // Here, as Tempo's and Jaeger's errors have forms of their own.
      void reply.header('retry-after', '1')
      throw error
    })
    ends.set(request, end)
    // Also when the client hangs up.
    reply.raw.once('close', end)
  })
  // Not when the answer has been sent: a client that reads slowly would keep its place.
  app.addHook('onSend', async (request) => ends.get(request)?.())
}
