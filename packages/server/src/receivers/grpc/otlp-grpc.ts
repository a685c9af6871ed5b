import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Tls } from '../../access/tls.ts'
import { authorizeIngest, getClientAddress } from '../access/authorize.ts'
import { closeServer, listen, type Listener, toTlsOptions } from '../listen.ts'
import { encodeStatus, encodeSuccess, RPC_CODES } from '../otlp-response.ts'
import { DEFAULT_TIMEOUTS, type ReceiverOptions } from '../receiver-options.ts'
import { describeInternalError, type RequestRejection, toRejection } from '../rejection.ts'
import type { Client } from '../rejection-log.ts'
import { BodyError } from '../body/request-body.ts'
import { type Signal, signals } from '../signals.ts'
import { readGrpcMessage } from './grpc-message.ts'
import {
  checkGrpcRequest,
  createTrailersOnly,
  frameGrpcMessage,
  RESPONSE_HEADERS,
  sendHeadersOnly,
} from './grpc-response.ts'
import { HTTP2_OPTIONS, trackSessions } from './grpc-sessions.ts'

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
  const server = tls === undefined ? createServer(HTTP2_OPTIONS) : createTlsServer(tls)
  const sessions = trackSessions(server, timeouts)
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
  const close = async (deadlineMs: number): Promise<void> => {
    const closed = closeServer(server, deadlineMs, sessions.destroy)
    await Promise.all([closed, sessions.close()])
  }
  return { url: await listen(server, options), close }
}

function createTlsServer(tls: Tls): Http2SecureServer {
  const server = createSecureServer({ ...HTTP2_OPTIONS, ...toTlsOptions(tls.certificate) })
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
  const status = checkGrpcRequest(headers[':method'], headers['content-type'])
  if (status !== undefined) return sendHeadersOnly(stream, { ':status': status })
  const path = headers[':path'] ?? ''
  const signal = signalsByPath.get(path)
  if (signal === undefined) {
    return sendHeadersOnly(stream, createTrailersOnly(RPC_CODES.unimplemented, `Unknown method ${path.slice(0, 200)}.`))
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
    sendHeadersOnly(stream, encodeRejection(rejection))
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

function sendSuccess(stream: ServerHttp2Stream, body: Buffer): void {
  if (stream.destroyed || stream.closed) return
  stream.respond(RESPONSE_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(frameGrpcMessage(body))
}

/** Trailers with a google.rpc.Status: BadRequest has the reason, RetryInfo the delay of a retry. */
function encodeRejection({ code, message, retryAfterSeconds }: RequestRejection): OutgoingHttpHeaders {
  const details = encodeStatus('protobuf', code, message, retryAfterSeconds)
  return {
    ...createTrailersOnly(code, message),
    'grpc-status-details-bin': details.toString('base64').replace(/=+$/, ''),
  }
}
