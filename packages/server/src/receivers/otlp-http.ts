import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { OtlpError } from '../otlp/error.ts'
import { type Access, corsHeaders, maySend, preflightHeaders } from './auth.ts'
import type { ByteBudget } from './body/byte-budget.ts'
import { type Intake, NotKeptError, type RefusalReason } from './ingest-pipeline.ts'
import type { Log } from '../log.ts'
import { CONTENT_TYPE, type Encoding, encodeStatus, encodingOf, RPC_CODE } from './otlp-response.ts'
import { pathsOf, type Route, routes } from './otlp-routes.ts'
import { PATIENCE, type Patience } from './timeouts.ts'
import { refusalReason } from './rejection.ts'
import { BODY_ENCODINGS, BodyError, MAX_BODY_BYTES, readBody } from './body/request-body.ts'

export type OtlpHttpOptions = {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  readonly access: Access
  readonly intake: Intake
  /** Bodies held by all requests together, of all receivers. */
  readonly budget: ByteBudget
  readonly log: Log
  /** @default PATIENCE */
  readonly patience?: Patience
}

export type OtlpHttp = {
  readonly url: string
  /**
   * Takes no more connections, lets requests that are being answered finish, at most until the
   * deadline.
   */
  close(deadlineMs: number): Promise<void>
}

/**
 * How long a sender whose request was refused may go on before it is cut off: it should read the
 * answer first.
 */
const LINGER_MS = 1000

const RETRY_AFTER_SECONDS = 2

/**
 * OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp), protobuf and JSON, and Zipkin's
 * spans: see `routes`.
 */
export async function listenOtlpHttp(options: OtlpHttpOptions): Promise<OtlpHttp> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(options, request, response).catch((error: unknown) => {
      options.log(
        `OTLP/HTTP request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
      response.destroy()
    })
  }
  const { tls } = options.access
  const limits = limitsOf(options.patience ?? PATIENCE)
  const server = tls === undefined ? createServer(limits, handle) : createTlsServer({ ...limits, ...tls }, handle)
  await listen(server, options.port, options.host)
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: (deadlineMs) => close(server, deadlineMs),
  }
}

function limitsOf({ headersMs, requestMs, idleMs, lookEveryMs }: Patience): ServerOptions {
  return {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: lookEveryMs,
    noDelay: true,
  }
}

async function answer(options: OtlpHttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const cors = corsHeaders(options.access, request.headers.origin)
  if (cors !== undefined) {
    response.setHeaders(new Map(Object.entries(cors)))
    if (request.method === 'OPTIONS') {
      response.writeHead(204, preflightHeaders(request.headers['access-control-request-headers']))
      response.end()
      return
    }
  }
  const route = routes.get((request.url ?? '').split('?', 1)[0] ?? '')
  const contentType = request.headers['content-type']
  const encoding = contentType === undefined ? route?.defaultEncoding : encodingOf(contentType)
  const refusal = refusalOf(options.access, request, route, encoding)
  if (route === undefined || encoding === undefined || refusal !== undefined) {
    if (refusal?.counts !== undefined) {
      options.intake.stats.requests++
      options.intake.refuse(refusal.counts)
    }
    return refuse(request, response, encoding ?? 'json', refusal ?? SERVER_FAILED)
  }
  options.intake.stats.requests++
  try {
    await take(options, route, request, response, encoding)
  } catch (error) {
    const refused = refusalFor(error)
    if (refused === undefined) return void response.destroy()
    options.intake.refuse(refusalReason(error))
    refuse(request, response, encoding, refused)
    if (refused.status === 500) options.log(`OTLP/HTTP: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

async function take(
  options: OtlpHttpOptions,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
  encoding: Encoding,
): Promise<void> {
  const transcode = route[encoding]
  if (transcode === undefined) throw new TypeError(`no transcoder for ${encoding}`)
  const body = await readBody(request, options.budget)
  const outcome = await options.intake.take(route.items, transcode, body)
  const answered = route.answer(encoding, outcome)
  response.writeHead(route.status, { 'content-type': CONTENT_TYPE[encoding], 'content-length': answered.length })
  response.end(answered)
}

type Refusal = {
  readonly status: number
  readonly code: number
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
  readonly retryAfterSeconds?: number
  /** Set when it is counted with the reasons of receivers. */
  readonly counts?: RefusalReason
}

const SERVER_FAILED: Refusal = {
  status: 500,
  code: RPC_CODE.internal,
  message: 'The server failed; its log says why.',
}

/** What can be said before the body is read. */
function refusalOf(
  access: Access,
  request: IncomingMessage,
  route: Route | undefined,
  encoding: Encoding | undefined,
): Refusal | undefined {
  if (route === undefined) {
    return { status: 404, code: RPC_CODE.notFound, message: `No such path: ${pathsOf()}.` }
  }
  if (request.method !== 'POST') {
    return { status: 405, code: RPC_CODE.unimplemented, message: 'Only POST is allowed.', headers: { allow: 'POST' } }
  }
  if (!maySend(access, request.headers.authorization)) {
    const message = 'Authorization must be Bearer and the token that the server was given.'
    const headers = { 'www-authenticate': 'Bearer' }
    return { status: 401, code: RPC_CODE.unauthenticated, message, headers, counts: 'unauthorized' }
  }
  if (encoding === undefined || route[encoding] === undefined) {
    const types = (['protobuf', 'json'] as const).filter((one) => route[one] !== undefined)
    const message = `Content-Type must be ${types.map((one) => CONTENT_TYPE[one]).join(' or ')}.`
    return { status: 415, code: RPC_CODE.invalidArgument, message }
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    const message = `Body is larger than ${MAX_BODY_BYTES} bytes.`
    return { status: 413, code: RPC_CODE.resourceExhausted, message, counts: 'tooLarge' }
  }
  return undefined
}

/** Undefined when nobody is there to be told. */
function refusalFor(error: unknown): Refusal | undefined {
  if (error instanceof OtlpError) {
    return error.code === 'too-large'
      ? { status: 413, code: RPC_CODE.resourceExhausted, message: error.message }
      : { status: 400, code: RPC_CODE.invalidArgument, message: error.message }
  }
  if (error instanceof BodyError) {
    switch (error.code) {
      case 'too-large':
        return { status: 413, code: RPC_CODE.resourceExhausted, message: error.message }
      case 'bad-encoding': {
        const headers = { 'accept-encoding': BODY_ENCODINGS }
        return { status: 415, code: RPC_CODE.invalidArgument, message: error.message, headers }
      }
      case 'corrupt':
        return { status: 400, code: RPC_CODE.invalidArgument, message: error.message }
      case 'no-room':
        return unavailable(error.message)
      case 'aborted':
        return undefined
    }
  }
  if (error instanceof NotKeptError) return unavailable(error.message)
  return SERVER_FAILED
}

function unavailable(message: string): Refusal {
  return {
    status: 503,
    code: RPC_CODE.unavailable,
    message,
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  }
}

/**
 * Answers and closes the connection. The sender may still be sending: what comes is thrown away for
 * a moment, since closing at once would reset the connection under the answer.
 */
function refuse(request: IncomingMessage, response: ServerResponse, encoding: Encoding, refusal: Refusal): void {
  if (response.destroyed) return
  const body = encodeStatus(encoding, refusal.code, refusal.message, refusal.retryAfterSeconds)
  const headers = { ...refusal.headers, 'content-type': CONTENT_TYPE[encoding], 'content-length': body.length }
  if (request.complete) {
    response.writeHead(refusal.status, headers)
    response.end(body)
    return
  }
  response.writeHead(refusal.status, { ...headers, connection: 'close' })
  response.write(body)
  const timer = setTimeout(() => response.destroy(), LINGER_MS)
  request.once('end', () => response.end())
  request.once('error', () => response.destroy())
  response.once('close', () => clearTimeout(timer))
  request.resume()
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function close(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), deadlineMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
