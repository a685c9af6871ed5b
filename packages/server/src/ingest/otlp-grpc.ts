import { isIPv6 } from 'node:net'
import {
  logVerbosity,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  setLogVerbosity,
  type StatusObject,
} from '@grpc/grpc-js'
import { OtlpError } from '../otlp/error.ts'
import { type Access, maySend } from './access.ts'
import type { ByteBudget } from './byte-budget.ts'
import { type Intake, NotKeptError } from './intake.ts'
import type { Log } from './log.ts'
import { encodeStatus, encodeSuccess, RPC_CODE } from './otlp-answer.ts'
import { MAX_BODY_BYTES } from './request-body.ts'
import { type Signal, signals } from './signal.ts'

export type OtlpGrpcOptions = {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  readonly access: Access
  readonly intake: Intake
  /** Bodies held by all requests together, of all receivers. */
  readonly budget: ByteBudget
  readonly log: Log
}

export type OtlpGrpc = {
  /** `http://host:port`, as exporters take it. */
  readonly url: string
  /** Takes no more connections, lets requests that are being answered finish, at most until the deadline. */
  close(deadlineMs: number): Promise<void>
}

const RETRY_AFTER_SECONDS = 2

/** Requests of one connection at a time. */
const MAX_STREAMS = 64

/** A connection whose other end has gone is closed after at most both. */
const KEEPALIVE_MS = 60_000
const KEEPALIVE_TIMEOUT_MS = 20_000

/**
 * OTLP/gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): the Export method of each signal. Messages stay bytes
 * until our transcoders have them. gzip and deflate are the library's; a size beyond the limit too, before and after
 * decompression, is answered by it with RESOURCE_EXHAUSTED and no RetryInfo.
 *
 * @throws what the port can't do, with Node's `code` and the `port`
 */
export async function listenOtlpGrpc(options: OtlpGrpcOptions): Promise<OtlpGrpc> {
  // What it would write to stderr comes as errors too, and those we tell ourselves.
  setLogVerbosity(logVerbosity.NONE)
  const server = new Server({
    'grpc.max_receive_message_length': MAX_BODY_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  })
  for (const signal of signals) {
    server.addService(serviceOf(signal), {
      Export: async (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        let body: Buffer
        try {
          body = await answer(options, signal, call)
        } catch (error) {
          return callback(statusFor(error, options.log))
        }
        return callback(null, body)
      },
    })
  }
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host
  const { tls } = options.access
  const port = await bind(server, host, options.port, credentialsOf(tls))
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    close: (deadlineMs) => close(server, deadlineMs),
  }
}

async function answer(
  options: OtlpGrpcOptions,
  signal: Signal,
  call: ServerUnaryCall<Buffer, Buffer>,
): Promise<Buffer> {
  const { access, intake, budget } = options
  const { request: body, metadata } = call
  if (!maySend(access, metadata.get('authorization')[0]?.toString())) throw new UnauthenticatedError()
  intake.stats.requests++
  if (!budget.take(body.length)) throw new NotKeptError('too many requests are in flight')
  try {
    const outcome = await intake.take(signal.items, signal.protobuf, body)
    return encodeSuccess('protobuf', signal.rejectedName, outcome.rejected, outcome.rejectReason)
  } finally {
    budget.give(body.length)
  }
}

class UnauthenticatedError extends Error {}

function serviceOf({ grpcService }: Signal): ServiceDefinition {
  return {
    Export: {
      path: `/${grpcService}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}

/** With a google.rpc.Status in the trailers: BadRequest says what is wrong, RetryInfo that trying again is right. */
function statusFor(error: unknown, log: Log): StatusObject {
  const [code, message, retry] = reasonOf(error)
  if (code === RPC_CODE.internal) log(`OTLP/gRPC: ${error instanceof Error ? error.stack : String(error)}`)
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', encodeStatus('protobuf', code, message, retry))
  return { code, details: message, metadata }
}

function reasonOf(error: unknown): readonly [code: number, message: string, retryAfterSeconds?: number] {
  if (error instanceof OtlpError) {
    return [error.code === 'too-large' ? RPC_CODE.resourceExhausted : RPC_CODE.invalidArgument, error.message]
  }
  if (error instanceof NotKeptError) return [RPC_CODE.unavailable, error.message, RETRY_AFTER_SECONDS]
  if (error instanceof UnauthenticatedError) {
    return [RPC_CODE.unauthenticated, 'authorization must be Bearer and the token that the server was given.']
  }
  return [RPC_CODE.internal, 'The server failed; its log says why.']
}

function credentialsOf(tls: Access['tls']): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  return ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }])
}

/** The library tells the system's error only in its message. */
function bind(server: Server, host: string, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
      if (error === null) return resolve(bound)
      const [code] = /\bE[A-Z]{3,}\b/.exec(error.message) ?? []
      reject(Object.assign(error, { code, port }))
    })
  })
}

function close(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), deadlineMs)
    server.tryShutdown(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
