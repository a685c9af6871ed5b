import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Log } from '../../log.ts'
import { type FetchApi, readBody, toToolError } from '../../mcp/read-api.ts'
import { abortOnDisconnect } from '../abort-signal.ts'
import { sendProblem } from '../problems.ts'
import { createRequestLimit, TooManyRequestsError } from '../request-limit.ts'

/** Arguments of tools are at most some kilobytes. */
const MAX_BODY_BYTES = 256 * 1024

/** Tools send requests that have limits of their own; this one bounds their memory. */
const LIMIT = { running: 8, runningPerClient: 6, waiting: 64, waitingPerClient: 32, maxWaitMs: 10_000 }

/** Sent on to the API: credentials, and what determines client and host behind a proxy. */
const FORWARDED = [
  'authorization',
  'cookie',
  'host',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
] as const

export type McpRouteOptions = {
  readonly version: string
  readonly basePath: string
  readonly rejected: { rateLimited: number }
  readonly log: Log
}

/** Serves `/mcp`: the tools of mcp/ over streamable HTTP, without sessions. */
export function serveMcp(app: FastifyInstance, { version, basePath, rejected, log }: McpRouteOptions): void {
  const limit = createRequestLimit(LIMIT)
  void app.register(async (scope) => {
    // The SDK parses, and answers invalid JSON with JSON-RPC errors.
    scope.removeAllContentTypeParsers()
    const parser = { parseAs: 'string', bodyLimit: MAX_BODY_BYTES } as const
    scope.addContentTypeParser('*', parser, (_request, body, done) => done(null, body))
    scope.route({
      method: ['GET', 'DELETE'],
      url: '/mcp',
      exposeHeadRoute: false,
      config: { role: 'read' },
      handler: async (_request, reply) => {
        const detail = 'This MCP server has no sessions: send each message by POST.'
        return await sendProblem(reply.header('allow', 'POST'), { status: 405, title: 'Method not allowed', detail })
      },
    })
    scope.post('/mcp', { config: { role: 'read' } }, async (request, reply) => {
      const signal = abortOnDisconnect(reply)
      const end = await limit
        .enter(request.client, signal, request.principal?.limits?.concurrentQueries)
        .catch((error: unknown) => {
          if (error instanceof TooManyRequestsError) rejected.rateLimited++
          throw error
        })
      reply.raw.once('close', end)
      const { protocol, host = '' } = request.origin
      const baseUrl = `${protocol}://${host}${basePath.replace(/\/$/, '')}`
      // Loaded by the first request: a server without agents needs no MCP SDK.
      const { handleMcpRequest } = await import('../../mcp/handle-http.ts')
      const fetchApi = createInjector(app, request)
      const body = typeof request.body === 'string' ? request.body : ''
      const options = { version, fetchApi, baseUrl, signal, log }
      const response = await handleMcpRequest(toWebRequest(request, body, signal), body, options)
      void reply.header('cache-control', 'no-store')
      return await reply.send(response)
    })
  })
}

/** Requests run through all hooks of the API as if the caller had sent them. */
function createInjector(app: FastifyInstance, { headers, ip, raw }: FastifyRequest): FetchApi {
  const forwarded = pickHeaders(headers)
  const remoteAddress = raw.socket.remoteAddress ?? ip
  return async (path, signal) => {
    signal.throwIfAborted()
    const response = await app.inject({
      method: 'GET',
      url: path,
      headers: forwarded,
      remoteAddress,
      signal,
      payloadAsStream: true,
    })
    const body = await readBody(response.stream() as AsyncIterable<Uint8Array>)
    if (response.statusCode !== 200) throw toToolError(response.statusCode, body)
    return body
  }
}

function pickHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    FORWARDED.flatMap((name) => {
      const value = headers[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function toWebRequest({ headers, url }: FastifyRequest, body: string, signal: AbortSignal): Request {
  const sent = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && /^(?:content-type|accept|mcp-)/.test(name)) sent.set(name, value)
  }
  return new Request(new URL(url, 'http://spanlink.invalid'), { method: 'POST', headers: sent, body, signal })
}
