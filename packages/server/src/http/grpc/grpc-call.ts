import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { StoreError } from '../../clickhouse/store-error.ts'
import {
  createTrailers,
  createTrailersOnly,
  frameGrpcMessage,
  RESPONSE_HEADERS,
  sendHeadersOnly,
} from '../../receivers/grpc/grpc-response.ts'
import { RPC_CODES } from '../../receivers/otlp-response.ts'

/** A call of a method that responds with a stream of messages. */
export type GrpcCall = {
  /** Aborts when the client cancels or disconnects, at its deadline, and when the call fails. */
  readonly signal: AbortSignal
  /** Whether the client receives messages as fast as they are sent. */
  isReading(): boolean
  send(message: Buffer): void
  /** Ends with the status OK. */
  end(trailers?: Trailers): void
  /** Ends with an error; ignored if the call has ended. @param code of google.rpc.Code */
  fail(code: number, message: string): void
}

type Trailers = Readonly<Record<string, string>>

/** In milliseconds. */
export type CallTimeouts = {
  /** Limit for receiving the request message. */
  readonly requestMs: number
  /** Cancels a call without traffic after this time, for example if the client stops reading. */
  readonly stalledMs: number
}

/** The header `grpc-timeout` limits the whole call. */
export function openGrpcCall(
  { stream, headers }: Http2ServerRequest,
  response: Http2ServerResponse,
  timeouts: CallTimeouts,
): GrpcCall {
  const left = new AbortController()
  let hasEnded = false
  const endWith = (trailers: Trailers): void => {
    // Node sends them after the last message.
    response.addTrailers(trailers)
    stream.end()
  }
  stream.on('error', () => {})
  stream.setTimeout(timeouts.stalledMs, () => stream.close(constants.NGHTTP2_CANCEL))
  const fail = (code: number, message: string): void => {
    if (hasEnded) return
    hasEnded = true
    if (stream.headersSent) endWith(createTrailers(code, message))
    else sendHeadersOnly(stream, createTrailersOnly(code, message))
    left.abort(new StoreError('cancelled', message))
  }
  const failLater = (ms: number, message: string): NodeJS.Timeout =>
    setTimeout(() => fail(RPC_CODES.deadlineExceeded, message), ms).unref()
  const late = failLater(timeouts.requestMs, `The request message did not arrive within ${timeouts.requestMs} ms.`)
  stream.once('end', () => clearTimeout(late))
  const deadlineMs = parseGrpcTimeout(headers['grpc-timeout'])
  const deadline = deadlineMs === undefined ? undefined : failLater(deadlineMs, "The call's deadline has passed.")
  stream.once('close', () => {
    clearTimeout(late)
    clearTimeout(deadline)
    hasEnded = true
    left.abort(new StoreError('cancelled', 'The client disconnected.'))
  })
  return {
    signal: left.signal,
    isReading: () => !stream.writableNeedDrain,
    send: (message) => {
      if (hasEnded) return
      if (!stream.headersSent) stream.respond(RESPONSE_HEADERS, { waitForTrailers: true })
      stream.write(frameGrpcMessage(message))
    },
    end: (trailers) => {
      if (hasEnded) return
      hasEnded = true
      endWith({ 'grpc-status': '0', ...trailers })
    },
    fail,
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** `grpc-timeout`: up to eight digits and a unit. `undefined` if absent or malformed. */
export function parseGrpcTimeout(header: string | readonly string[] | undefined): number | undefined {
  const [, count, unit = ''] = /^([0-9]{1,8})([HMSmun])$/.exec(String(header ?? '')) ?? []
  // Node fires timers above the maximum at once.
  return count === undefined ? undefined : Math.min(Number(count) * (UNIT_MS[unit] ?? 1), 2 ** 31 - 1)
}
