import type { RequestListener } from 'node:http'
import { isIPv6 } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Access, createOpenAccess } from '../access/access.ts'
import type { Log } from '../log.ts'
import type { SelfTracing } from './self-tracing/self-tracing.ts'
import { InvalidParameterError } from '../query/sql/invalid-parameter.ts'
import type { Store } from '../clickhouse/store.ts'
import { RateLimitError } from '../access/errors.ts'
import { endpoints } from './routes/endpoints.ts'
import type { Endpoint } from './routes/endpoint.ts'
import { createGrpcCalls } from './grpc/grpc-calls.ts'
import { listenOnLocalhost } from './grpc/listen-on-localhost.ts'
import { createSharedPort, type PortTimeouts, type SharedPort } from './grpc/share-port.ts'
import { abortOnDisconnect } from './abort-signal.ts'
import { guardAccess, type GuardedRoute } from './access-guard.ts'
import { serveBackup } from './routes/backup.ts'
import { serveMcp } from './routes/mcp.ts'
import { serveJaeger } from './compat/jaeger/jaeger.ts'
import { limitQueries } from './limit-queries.ts'
import { markMissingParts } from './routes/missing-parts.ts'
import { openApi } from './openapi.ts'
import { toProblem, sendProblem } from './problems.ts'
import { servePrometheus } from './compat/prometheus.ts'
import { type IngestStatus, replaceWildcard, statusSource } from './routes/status.ts'
import { serveSession } from './session/session-routes.ts'
import { tailTraces } from './routes/tail.ts'
import { serveTempo } from './compat/tempo/tempo.ts'
import { traceRequests } from './self-tracing/trace-requests.ts'
import { serveStreamingQuerier } from './compat/tempo/streaming/streaming-querier.ts'
import { serveUi } from './ui-assets.ts'

export type ApiOptions = {
  readonly store: Store
  readonly ingest: IngestStatus
  readonly version: string
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly draining: () => boolean
  /** @default no authentication */
  readonly access?: Access
  /** Path under which a proxy publishes this server. @default '/' */
  readonly basePath?: string | undefined
  /** Records requests as traces. @default none */
  readonly ownTraces?: SelfTracing
  /** @default DEFAULT_TIMEOUTS */
  readonly timeouts?: PortTimeouts
  readonly log: Log
}

export type Api = {
  /** With the real host and port. */
  readonly url: string
  readonly routes: readonly GuardedRoute[]
  close(): Promise<void>
}

/** gRPC calls end at once when the server stops, unless their client does not read. */
const CLOSE_CALLS_MS = 1000

const DEFAULT_TIMEOUTS: PortTimeouts = { requestMs: 30_000, stalledMs: 120_000, checkIntervalMs: 2000 }

/** Serves the native API and the UI. Rejects with the system error if the port is not available. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const timeouts = options.timeouts ?? DEFAULT_TIMEOUTS
  const { access = createOpenAccess(options.host), basePath = '/' } = options
  const calls = createGrpcCalls(() => app, timeouts)
  const createPort = (serveHttp1: RequestListener): SharedPort =>
    createSharedPort({ timeouts, tls: access.tls, serveHttp1, serveHttp2: calls.serve })
  const ports: SharedPort[] = []
  const app: FastifyInstance = Fastify({
    serverFactory: (serveHttp1) => {
      const port = createPort(serveHttp1)
      ports.push(port)
      return port.server
    },
    // Open pages keep connections alive; stopping does not wait for them.
    forceCloseConnections: true,
    rewriteUrl: ({ url = '/' }) => removeBasePath(url, basePath),
    bodyLimit: 1024 * 1024,
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: true,
        useDefaults: true,
        allErrors: false,
        // Errors have the value and its schema, for their messages.
        verbose: true,
        keywords: ['x-expected'],
      },
    },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, toProblem(error)),
  })
  let listenUrl = ''
  app.addHook('onRequest', async (_request, reply) => void reply.headers(securityHeaders))
  const { rejected, routes } = guardAccess(app, access, options.log)
  // Many clients send the content type with every request, also with a DELETE without a body.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parseJson(request, String(body), done)
  })
  if (options.ownTraces !== undefined) traceRequests(app, options.ownTraces)
  app.setErrorHandler((error, _request, reply) => {
    const problem = toProblem(error)
    if (error instanceof RateLimitError) void reply.header('retry-after', String(error.retryAfterSeconds))
    if (problem.status === 500)
      options.log(`A request failed: ${(error as Error).stack ?? String(error)}`, { level: 'error' })
    else if (problem.status === 503) options.log(`A query failed: ${(error as Error).message}`, { level: 'warn' })
    return sendProblem(reply, problem)
  })

  app.addHook('preHandler', (request, _reply, done) => {
    refuseInfinities(request.query)
    done()
  })
  limitQueries(app, rejected)

  const status = statusSource({ ...options, uiUrl: () => listenUrl, rejected: () => ({ ...rejected }) })
  const all = endpoints(options.store, status)
  for (const one of all) route(app, one, options.store)
  tailTraces(app, options.store)
  serveSession(app, access, basePath)
  serveBackup(app, options.store, options.version)
  serveTempo(app, options.store, options.version)
  serveStreamingQuerier(app, options.store, calls, options.log)
  serveJaeger(app, options.store)
  servePrometheus(app, status)
  serveMcp(app, { version: options.version, basePath, rejected, log: options.log })
  const document = JSON.stringify(openApi(all, options.version))
  app.get('/api/openapi.json', { config: { role: 'read' } }, (_request, reply) =>
    reply.type('application/json').send(document),
  )

  const page = await serveUi(app, basePath)
  app.setNotFoundHandler((request, reply) => {
    if (!/^\/api(\/|\?|$)/.test(request.url)) return page(request, reply)
    const detail = `Unknown endpoint ${request.method} ${request.url.split('?')[0]}. See /api/openapi.json.`
    return sendProblem(reply, { status: 404, title: 'Unknown endpoint', detail })
  })

  app.addHook('preClose', async () => {
    calls.stop()
    await Promise.all(ports.map((port) => port.close(CLOSE_CALLS_MS)))
  })
  await app.listen({ host: options.host, port: options.port })
  const [main] = ports
  if (options.host === 'localhost' && main !== undefined) {
    const others = await listenOnLocalhost(main, () => createPort(app.routing))
    ports.push(...others)
  }
  listenUrl = formatUrl(app, options.host)
  // A server on all interfaces is reachable by loopback here.
  return { url: replaceWildcard(listenUrl, '127.0.0.1'), routes, close: () => app.close() }
}

function route(app: FastifyInstance, endpoint: Endpoint, store: Store): void {
  app.route({
    method: endpoint.method ?? 'GET',
    config: { role: endpoint.role },
    url: endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    schema: {
      ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
      querystring: endpoint.query ?? { type: 'object', additionalProperties: false },
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { params, query } = request
      const requestHost = request.origin.host?.replace(/:[0-9]+$/, '') ?? ''
      const signal = abortOnDisconnect(reply)
      const found = await endpoint.handle({ params, query, requestHost, signal })
      const response = await markMissingParts(found, { path: endpoint.path, params }, store, { signal })
      void reply.header('cache-control', 'no-store')
      if (response.status === 404) {
        return sendProblem(reply, { title: 'Not found', ...response })
      }
      return reply.code(response.status).type('application/json').send(JSON.stringify(response.body))
    },
  })
}

/** Rejects infinity: `1e400` passes Ajv's limits, which apply to finite numbers. */
function refuseInfinities(query: unknown): void {
  for (const [name, value] of Object.entries(query ?? {})) {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new InvalidParameterError(name, `${name} is too large.`)
  }
}

const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/** Proxies may remove the prefix or leave it. */
function removeBasePath(url: string, basePath: string): string {
  if (url.startsWith(basePath)) return `/${url.slice(basePath.length)}`
  return url === basePath.slice(0, -1) ? '/' : url
}

function formatUrl(app: FastifyInstance, host: string): string {
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `${'setSecureContext' in app.server ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}
