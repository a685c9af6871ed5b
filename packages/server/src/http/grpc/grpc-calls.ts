import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { FastifyInstance } from 'fastify'
import { checkGrpcRequest, createTrailersOnly, sendHeadersOnly } from '../../receivers/grpc/grpc-response.ts'
import { RPC_CODES } from '../../receivers/otlp-response.ts'
import { type CallTimeouts, type GrpcCall, openGrpcCall } from './grpc-call.ts'

export type GrpcCalls = {
  /** Passes a call on to the route of its path. */
  serve(request: Http2ServerRequest, response: Http2ServerResponse): void
  /** The call of a request, or undefined if it came over HTTP/1.1. */
  find(request: object): GrpcCall | undefined
  /** Ends all calls with UNAVAILABLE. */
  stop(): void
}

/**
 * Serves gRPC by the routes of the API, so that access rules and limits are theirs.
 *
 * @param app undefined until the server listens
 */
export function createGrpcCalls(app: () => FastifyInstance, timeouts: CallTimeouts): GrpcCalls {
  const calls = new WeakMap<object, GrpcCall>()
  const open = new Set<GrpcCall>()
  return {
    serve: (request, response) => {
      const { stream, headers, url } = request
      const status = checkGrpcRequest(request.method, headers['content-type'])
      if (status !== undefined) return sendHeadersOnly(stream, { ':status': status })
      const [path = ''] = url.split('?', 1)
      if (!app().hasRoute({ method: 'POST', url: path })) {
        return sendHeadersOnly(
          stream,
          createTrailersOnly(RPC_CODES.unimplemented, `Unknown method ${path.slice(0, 200)}.`),
        )
      }
      const call = openGrpcCall(request, response, timeouts)
      calls.set(request, call)
      open.add(call)
      stream.once('close', () => open.delete(call))
      // HTTP/2 has it in a pseudo-header only.
      headers.host ??= request.authority
      // Fastify serves both, but its type depends on that of its server.
      app().routing(request as unknown as IncomingMessage, response as unknown as ServerResponse)
    },
    find: (request) => calls.get(request),
    stop: () => {
      for (const call of open) call.fail(RPC_CODES.unavailable, 'The server is stopping.')
    },
  }
}
