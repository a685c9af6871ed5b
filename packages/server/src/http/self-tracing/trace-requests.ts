import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RecordedSpan, SelfTracing } from './self-tracing.ts'

/** Records a span per API request, with its ClickHouse statements as children. */
export function traceRequests(app: FastifyInstance, traces: SelfTracing): void {
  const spans = new WeakMap<FastifyRequest, RecordedSpan>()
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url
    const span = isTraced(route) ? traces.startTrace(`${request.method} ${route}`) : undefined
    if (span === undefined) return done()
    spans.set(request, span)
    traces.runInSpan(span, done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply
    const attributes = {
      'http.request.method': request.method,
      'http.route': request.routeOptions.url ?? '',
      'url.path': request.url.split('?', 1)[0] ?? '',
      'http.response.status_code': statusCode,
    }
    spans.get(request)?.end(attributes, statusCode >= 500 ? `HTTP ${statusCode}` : undefined)
    done()
  })
}

/** Excludes routes that are polled every few seconds, and the tail, which never ends. */
function isTraced(route: string | undefined): route is string {
  return route !== undefined && route.startsWith('/api/') && !UNTRACED_ROUTES.has(route)
}

const UNTRACED_ROUTES: ReadonlySet<string> = new Set([
  '/api/status',
  '/api/ready',
  '/api/traces/tail',
  '/api/openapi.json',
])
