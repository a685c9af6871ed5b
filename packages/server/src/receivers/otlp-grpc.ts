import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Tls } from '../access/tls.ts'
import { authorizeIngest, getClientAddress } from './access/authorize.ts'
import { GRPC_ENCODINGS, readGrpcMessage } from './body/grpc-message.ts'
import { closeServer, listen, type Listener, toTlsOptions } from './listen.ts'
import { encodeStatus, encodeSuccess, RPC_CODES } from './otlp-response.ts'
import { DEFAULT_TIMEOUTS, type ReceiverOptions, type Timeouts } from './receiver-options.ts'
import { describeInternalError, type RequestRejection, toRejection } from './rejection.ts'
import type { Client } from './rejection-log.ts'
import { BodyError } from './body/request-body.ts'
import { type Signal, signals } from './signals.ts'

/** Concurrent calls of one connection; their bytes count in the budget. */
const MAX_STREAMS = 64

const HTTP2: ServerOptions = {
  settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: 1024 * 1024, maxHeaderListSize: 16 * 1024 },
}

/**
 * OTLP/gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): the Export method of each signal,
 * over Node's HTTP/2. Own code for unary calls only, so that every byte a call holds, compressed
 * and decompressed, counts in the budget.
 *
 * @throws Node's error with `code` and `port` if the port can't be listened on
 */
export async function listenOtlpGrpc(options: ReceiverOptions): Promise<Listener> {
  const { tls } = options.access
  const timeouts = options.timeouts ?? DEFAULT_TIMEOUTS
  const server = tls === undefined ? createServer(HTTP2) : createTlsServer(tls)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    const stopPinging = startKeepAlive(session, timeouts)
    // A protocol error of the peer destroys the session; without a listener it would be uncaught.
    session.on('error', () => {})
    session.once('close', () => {
      stopPinging()
      sessions.delete(session)
    })
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    // Not `stream.setTimeout`, which every byte received restarts.
    const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), timeouts.requestMs).unref()
    stream.once('close', () => clearTimeout(late))
    void handleStream(options, stream, headers).catch((error: unknown) => {
      options.log(`OTLP/gRPC call failed: ${describeInternalError(error)}`, { level: 'error' })
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    })
  })
  return { url: await listen(server, options), close: (deadlineMs) => close(server, sessions, deadlineMs) }
}

function createTlsServer(tls: Tls): Http2SecureServer {
  const server = createSecureServer({ ...HTTP2, ...toTlsOptions(tls.certificate) })
  tls.follow(server)
  return server
}

const signalsByPath: ReadonlyMap<string, Signal> = new Map(
  signals.map((signal) => [`/${signal.grpcService}/Export`, signal]),
)

async function handleStream(
  options: ReceiverOptions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const { access, pipeline } = options
  if (headers[':method'] !== 'POST' || !/^application\/grpc(\+proto)?(;|$)/.test(headers['content-type'] ?? '')) {
    return sendHeaders(stream, { ':status': headers[':method'] === 'POST' ? 415 : 405 })
  }
  const path = headers[':path'] ?? ''
  const signal = signalsByPath.get(path)
  if (signal === undefined) {
    return sendHeaders(stream, createTrailers(RPC_CODES.unimplemented, `Unknown method ${path.slice(0, 200)}.`))
  }
  pipeline.stats.requests++
  const socket = stream.session?.socket
  const client: Client = { receiver: 'OTLP/gRPC', address: getClientAddress(access, headers, socket) }
  try {
    const principal = authorizeIngest(access, headers, socket)
    const body = await takeCall(options, { ...client, principal }, signal, stream, headers)
    sendSuccess(stream, body)
  } catch (error) {
    if (error instanceof BodyError && error.code === 'aborted') return
    const rejection = toRejection(error)
    pipeline.countRejection(client, rejection.reason, rejection.details)
    sendHeaders(stream, encodeRejection(rejection))
  }
}

async function takeCall(
  { pipeline, budget }: ReceiverOptions,
  client: Client,
  signal: Signal,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<Buffer> {
  const message = await readGrpcMessage(stream, headers['grpc-encoding']?.toString(), budget)
  const outcome = await pipeline.ingest(client, signal.items, signal.protobuf, message)
  return encodeSuccess('protobuf', signal.rejectedName, outcome.rejected, outcome.rejectReason)
}

const COMMON_HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': GRPC_ENCODINGS,
} as const

function sendSuccess(stream: ServerHttp2Stream, body: Buffer): void {
  if (stream.destroyed || stream.closed) return
  stream.respond(COMMON_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(body.length, 1)
  stream.end(Buffer.concat([prefix, body]))
}

/** Sends headers only; if the client is still sending, the stream is closed with NO_ERROR. */
function sendHeaders(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return
  const complete = stream.readableEnded
  stream.respond(headers, { endStream: true })
  if (complete) return
  stream.resume()
  stream.close(constants.NGHTTP2_NO_ERROR)
}

/** Trailers with a google.rpc.Status: BadRequest has the reason, RetryInfo the delay of a retry. */
function encodeRejection({ code, message, retryAfterSeconds }: RequestRejection): OutgoingHttpHeaders {
  const details = encodeStatus('protobuf', code, message, retryAfterSeconds)
  return { ...createTrailers(code, message), 'grpc-status-details-bin': details.toString('base64').replace(/=+$/, '') }
}

function createTrailers(code: number, message: string): OutgoingHttpHeaders {
  return { ...COMMON_HEADERS, 'grpc-status': String(code), 'grpc-message': percentEncode(message) }
}

/** Encodes Status-Message of the gRPC protocol: all but printable ASCII, and `%` itself. */
function percentEncode(message: string): string {
  return message.replace(/[^ -$&-~]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function startKeepAlive(session: ServerHttp2Session, { pingIntervalMs, pongMs }: Timeouts): () => void {
  let late: NodeJS.Timeout | undefined
  const timer = setInterval(() => {
    if (session.destroyed) return
    late ??= setTimeout(() => session.destroy(), pongMs).unref()
    session.ping(() => {
      clearTimeout(late)
      late = undefined
    })
  }, pingIntervalMs).unref()
  return () => {
    clearInterval(timer)
    clearTimeout(late)
  }
}

/** A closing session (GOAWAY) accepts no more calls and ends with its last one. */
async function close(
  server: Http2Server,
  sessions: ReadonlySet<ServerHttp2Session>,
  deadlineMs: number,
): Promise<void> {
  const closed = closeServer(server, deadlineMs, () => sessions.forEach((session) => session.destroy()))
  for (const session of sessions) session.close()
  await closed
}
