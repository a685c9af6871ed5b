import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { OtlpError } from '../otlp/error.ts'
import { type Access, maySend } from './auth.ts'
import type { ByteBudget } from './body/byte-budget.ts'
import { GRPC_ENCODINGS, readGrpcMessage } from './grpc-message.ts'
import { type Intake, NotKeptError } from './ingest-pipeline.ts'
import type { Log } from '../log.ts'
import { encodeStatus, encodeSuccess, RPC_CODE } from './otlp-response.ts'
import { PATIENCE, type Patience } from './timeouts.ts'
import { refusalReason } from './rejection.ts'
import { BodyError } from './body/request-body.ts'
import { type Signal, signals } from './signals.ts'

export type OtlpGrpcOptions = {
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

export type OtlpGrpc = {
  /** `http://host:port`, as exporters take it. */
  readonly url: string
  /**
   * Takes no more connections, lets requests that are being answered finish, at most until the
   * deadline.
   */
  close(deadlineMs: number): Promise<void>
}

const RETRY_AFTER_SECONDS = 2

/** Calls of one connection at a time; the bytes they hold count in the budget. */
const MAX_STREAMS = 64

const HTTP2: ServerOptions = {
  settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: 1024 * 1024, maxHeaderListSize: 16 * 1024 },
}

/**
 * OTLP/gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): the Export method of each signal,
 * over Node's HTTP/2. Unary calls are all there is, and so every byte that a call holds is counted,
 * before decompression and after.
 *
 * @throws what the port can't do, with Node's `code` and the `port`
 */
export async function listenOtlpGrpc(options: OtlpGrpcOptions): Promise<OtlpGrpc> {
  const { tls } = options.access
  const patience = options.patience ?? PATIENCE
  const server = tls === undefined ? createServer(HTTP2) : createSecureServer({ ...HTTP2, ...tls })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    const stopPinging = keepAlive(session, patience)
    // Protocol errors of the other end; the session is destroyed by them.
    session.on('error', () => {})
    session.once('close', () => {
      stopPinging()
      sessions.delete(session)
    })
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    // Not the stream's own timeout, which a byte now and then puts off for ever.
    const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), patience.requestMs).unref()
    stream.once('close', () => clearTimeout(late))
    void answer(options, stream, headers).catch((error: unknown) => {
      options.log(`OTLP/gRPC call failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    })
  })
  await listen(server, options.port, options.host)
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: (deadlineMs) => close(server, sessions, deadlineMs),
  }
}

const signalsByPath: ReadonlyMap<string, Signal> = new Map(
  signals.map((signal) => [`/${signal.grpcService}/Export`, signal]),
)

async function answer(
  options: OtlpGrpcOptions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const { access, intake } = options
  if (headers[':method'] !== 'POST' || !/^application\/grpc(\+proto)?(;|$)/.test(headers['content-type'] ?? '')) {
    return end(stream, { ':status': headers[':method'] === 'POST' ? 415 : 405 })
  }
  const path = headers[':path'] ?? ''
  const signal = signalsByPath.get(path)
  if (signal === undefined) {
    return end(stream, trailersOnly(RPC_CODE.unimplemented, `There is no method ${path.slice(0, 200)}.`))
  }
  intake.stats.requests++
  try {
    if (!maySend(access, headers.authorization)) throw new UnauthenticatedError()
    const body = await takeCall(options, signal, stream, headers)
    succeed(stream, body)
  } catch (error) {
    if (error instanceof BodyError && error.code === 'aborted') return
    intake.refuse(error instanceof UnauthenticatedError ? 'unauthorized' : refusalReason(error))
    end(stream, refusal(error, options.log))
  }
}

async function takeCall(
  { intake, budget }: OtlpGrpcOptions,
  signal: Signal,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<Buffer> {
  const message = await readGrpcMessage(stream, headers['grpc-encoding']?.toString(), budget)
  const outcome = await intake.take(signal.items, signal.protobuf, message)
  return encodeSuccess('protobuf', signal.rejectedName, outcome.rejected, outcome.rejectReason)
}

class UnauthenticatedError extends Error {}

const COMMON_HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': GRPC_ENCODINGS,
} as const

function succeed(stream: ServerHttp2Stream, body: Buffer): void {
  if (stream.destroyed || stream.closed) return
  stream.respond(COMMON_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(body.length, 1)
  stream.end(Buffer.concat([prefix, body]))
}

/** Headers alone; the sender is told to stop sending, if it hasn't yet. */
function end(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return
  const complete = stream.readableEnded
  stream.respond(headers, { endStream: true })
  if (complete) return
  stream.resume()
  stream.close(constants.NGHTTP2_NO_ERROR)
}

/**
 * With a google.rpc.Status: BadRequest says what is wrong, RetryInfo that trying again is right.
 */
function refusal(error: unknown, log: Log): OutgoingHttpHeaders {
  const [code, message, retry] = reasonOf(error)
  if (code === RPC_CODE.internal) log(`OTLP/gRPC: ${error instanceof Error ? error.stack : String(error)}`)
  const details = encodeStatus('protobuf', code, message, retry)
  return { ...trailersOnly(code, message), 'grpc-status-details-bin': details.toString('base64').replace(/=+$/, '') }
}

function trailersOnly(code: number, message: string): OutgoingHttpHeaders {
  return { ...COMMON_HEADERS, 'grpc-status': String(code), 'grpc-message': percentEncoded(message) }
}

/** Status-Message of the protocol: printable ASCII but the percent sign stays. */
function percentEncoded(message: string): string {
  return message.replace(/[^ -$&-~]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function reasonOf(error: unknown): readonly [code: number, message: string, retryAfterSeconds?: number] {
  if (error instanceof OtlpError) {
    return [error.code === 'too-large' ? RPC_CODE.resourceExhausted : RPC_CODE.invalidArgument, error.message]
  }
  if (error instanceof BodyError)
    return [bodyCodes[error.code], error.message, error.code === 'no-room' ? RETRY_AFTER_SECONDS : undefined]
  if (error instanceof NotKeptError) return [RPC_CODE.unavailable, error.message, RETRY_AFTER_SECONDS]
  if (error instanceof UnauthenticatedError) {
    return [RPC_CODE.unauthenticated, 'authorization must be Bearer and the token that the server was given.']
  }
  return [RPC_CODE.internal, 'The server failed; its log says why.']
}

const bodyCodes = {
  'too-large': RPC_CODE.resourceExhausted,
  'bad-encoding': RPC_CODE.unimplemented,
  corrupt: RPC_CODE.invalidArgument,
  'no-room': RPC_CODE.unavailable,
  aborted: RPC_CODE.internal,
} as const

function keepAlive(session: ServerHttp2Session, { pingEveryMs, pongMs }: Patience): () => void {
  let late: NodeJS.Timeout | undefined
  const timer = setInterval(() => {
    if (session.destroyed) return
    late ??= setTimeout(() => session.destroy(), pongMs).unref()
    session.ping(() => {
      clearTimeout(late)
      late = undefined
    })
  }, pingEveryMs).unref()
  return () => {
    clearInterval(timer)
    clearTimeout(late)
  }
}

function listen(server: Http2Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A session that is told to close takes no more calls, and ends with its last one. */
function close(server: Http2Server, sessions: ReadonlySet<ServerHttp2Session>, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const session of sessions) session.destroy()
    }, deadlineMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    for (const session of sessions) session.close()
  })
}
