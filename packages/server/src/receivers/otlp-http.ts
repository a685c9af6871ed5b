import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { Access } from '../access/access.ts'
import type { Principal } from '../access/authenticator.ts'
import { authorizeIngest, checkHost, getClientAddress } from './access/authorize.ts'
import { createCorsHeaders, createPreflightHeaders } from './access/cors.ts'
import type { RejectionReason } from './ingest-pipeline.ts'
import { closeServer, listen, type Listener, toTlsOptions } from './listen.ts'
import { CONTENT_TYPES, type Encoding, encodeStatus, parseContentType, RPC_CODES } from './otlp-response.ts'
import { describeRoutes, type Route, routes } from './otlp-routes.ts'
import { DEFAULT_TIMEOUTS, type ReceiverOptions, type Timeouts } from './receiver-options.ts'
import { describeInternalError, type RequestRejection, toRejection } from './rejection.ts'
import type { Client } from './rejection-log.ts'
import { BODY_ENCODINGS, BodyError, MAX_BODY_BYTES, readBody } from './body/request-body.ts'

/** A rejected client that is still sending has this time to read the response. */
const LINGER_MS = 1000

/**
 * OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp) in protobuf and JSON, and Zipkin
 * v2 JSON: see `routes`.
 *
 * @throws Node's error with `code` and `port` if the port can't be listened on
 */
export async function listenOtlpHttp(options: ReceiverOptions): Promise<Listener> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    void handleRequest(options, request, response).catch((error: unknown) => {
      options.log(`OTLP/HTTP request failed: ${describeInternalError(error)}`, { level: 'error' })
      response.destroy()
    })
  }
  const { tls } = options.access
  const limits = toServerOptions(options.timeouts ?? DEFAULT_TIMEOUTS)
  const server =
    tls === undefined
      ? createServer(limits, handle)
      : createTlsServer({ ...limits, ...toTlsOptions(tls.certificate) }, handle)
  if (server instanceof TlsServer) tls?.follow(server)
  return { url: await listen(server, options), close: (deadlineMs) => close(server, deadlineMs) }
}

function toServerOptions({ headersMs, requestMs, idleMs, checkIntervalMs }: Timeouts): ServerOptions {
  return {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkIntervalMs,
    noDelay: true,
  }
}

async function handleRequest(
  options: ReceiverOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const cors = createCorsHeaders(options.access, request.headers.origin)
  if (cors !== undefined) {
    response.setHeaders(new Map(Object.entries(cors)))
    if (request.method === 'OPTIONS') {
      response.writeHead(204, createPreflightHeaders(request.headers['access-control-request-headers']))
      response.end()
      return
    }
  }
  const route = routes.get((request.url ?? '').split('?', 1)[0] ?? '')
  const contentType = request.headers['content-type']
  const encoding = contentType === undefined ? route?.defaultEncoding : parseContentType(contentType)
  const reject = (error: unknown): void => {
    const rejection = toRejection(error)
    options.pipeline.countRejection(getClient(options.access, request, route), rejection.reason, rejection.details)
    sendError(request, response, encoding ?? 'json', toErrorResponse(rejection))
  }
  let principal: Principal
  try {
    checkHost(options.access, request.headers, request.socket)
    const unknown = route === undefined ? UNKNOWN_PATH : request.method === 'POST' ? undefined : WRONG_METHOD
    if (unknown !== undefined) return sendError(request, response, encoding ?? 'json', unknown)
    options.pipeline.stats.requests++
    principal = authorizeIngest(options.access, request.headers, request.socket)
  } catch (error) {
    return reject(error)
  }
  const errorResponse = checkHeaders(request, route, encoding)
  if (route === undefined || encoding === undefined || errorResponse !== undefined) {
    if (errorResponse?.counts !== undefined) {
      const client = getClient(options.access, request, route)
      options.pipeline.countRejection(client, errorResponse.counts, errorResponse.message)
    }
    return sendError(request, response, encoding ?? 'json', errorResponse ?? SERVER_FAILED)
  }
  try {
    const client = { ...getClient(options.access, request, route), principal }
    await take(options, client, route, request, response, encoding)
  } catch (error) {
    if (error instanceof BodyError && error.code === 'aborted') return void response.destroy()
    reject(error)
  }
}

function toErrorResponse({ reason, code, message, retryAfterSeconds }: RequestRejection): ErrorResponse {
  const headers = {
    ...(code === RPC_CODES.unimplemented && { 'accept-encoding': BODY_ENCODINGS }),
    ...(code === RPC_CODES.unauthenticated && { 'www-authenticate': 'Bearer' }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
  const status = reason === 'rateLimited' ? 429 : (STATUS[code] ?? 500)
  return { status, code, message, headers, retryAfterSeconds }
}

async function take(
  options: ReceiverOptions,
  client: Client,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
  encoding: Encoding,
): Promise<void> {
  const transcode = route[encoding]
  if (transcode === undefined) throw new TypeError(`no transcoder for ${encoding}`)
  const body = await readBody(request, options.budget)
  const outcome = await options.pipeline.ingest(client, route.items, transcode, body)
  const encoded = route.encodeResponse(encoding, outcome)
  response.writeHead(route.status, { 'content-type': CONTENT_TYPES[encoding], 'content-length': encoded.length })
  response.end(encoded)
}

function getClient(access: Access, { headers, socket }: IncomingMessage, route: Route | undefined): Client {
  return { receiver: route?.receiver ?? 'OTLP/HTTP', address: getClientAddress(access, headers, socket) }
}

type ErrorResponse = {
  readonly status: number
  readonly code: number
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
  readonly retryAfterSeconds?: number | undefined
  /** The reason under which the rejection is counted; undefined if it isn't counted. */
  readonly counts?: RejectionReason
}

const SERVER_FAILED: ErrorResponse = {
  status: 500,
  code: RPC_CODES.internal,
  message: 'Internal error; see the server log.',
}

const UNKNOWN_PATH: ErrorResponse = {
  status: 404,
  code: RPC_CODES.notFound,
  message: `Unknown path. Paths: ${describeRoutes()}.`,
}

const WRONG_METHOD: ErrorResponse = {
  status: 405,
  code: RPC_CODES.unimplemented,
  message: 'Only POST is allowed.',
  headers: { allow: 'POST' },
}

/** By google.rpc.Code. */
const STATUS: Readonly<Record<number, number>> = {
  [RPC_CODES.unauthenticated]: 401,
  [RPC_CODES.permissionDenied]: 403,
  [RPC_CODES.invalidArgument]: 400,
  [RPC_CODES.resourceExhausted]: 413,
  [RPC_CODES.unimplemented]: 415,
  [RPC_CODES.unavailable]: 503,
}

/** Errors that are known before the body is read. */
function checkHeaders(
  request: IncomingMessage,
  route: Route | undefined,
  encoding: Encoding | undefined,
): ErrorResponse | undefined {
  if (route === undefined) return UNKNOWN_PATH
  if (encoding === undefined || route[encoding] === undefined) {
    const types = (['protobuf', 'json'] as const).filter((one) => route[one] !== undefined)
    const message = `Content-Type must be ${types.map((one) => CONTENT_TYPES[one]).join(' or ')}.`
    return { status: 415, code: RPC_CODES.invalidArgument, message, counts: 'malformed' }
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    const message = `Body is larger than ${MAX_BODY_BYTES} bytes.`
    return { status: 413, code: RPC_CODES.resourceExhausted, message, counts: 'tooLarge' }
  }
  return undefined
}

/**
 * Responds and closes the connection. If the client is still sending, its bytes are discarded for
 * up to `LINGER_MS`: closing at once would reset the connection before the response is read.
 */
function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  encoding: Encoding,
  errorResponse: ErrorResponse,
): void {
  if (response.destroyed) return
  const body = encodeStatus(encoding, errorResponse.code, errorResponse.message, errorResponse.retryAfterSeconds)
  const headers = { ...errorResponse.headers, 'content-type': CONTENT_TYPES[encoding], 'content-length': body.length }
  if (request.complete) {
    response.writeHead(errorResponse.status, headers)
    response.end(body)
    return
  }
  response.writeHead(errorResponse.status, { ...headers, connection: 'close' })
  response.write(body)
  const timer = setTimeout(() => response.destroy(), LINGER_MS)
  request.once('end', () => response.end())
  request.once('error', () => response.destroy())
  response.once('close', () => clearTimeout(timer))
  request.resume()
}

async function close(server: Server, deadlineMs: number): Promise<void> {
  const closed = closeServer(server, deadlineMs, () => server.closeAllConnections())
  server.closeIdleConnections()
  await closed
}
