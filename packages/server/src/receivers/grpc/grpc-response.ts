import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { GRPC_ENCODINGS } from './grpc-message.ts'

/** Headers of each response (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export const RESPONSE_HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': GRPC_ENCODINGS,
} as const

/** Length-Prefixed-Message, not compressed. */
export function frameGrpcMessage(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** Whether a request may be a gRPC call; if not, its HTTP status. */
export function checkGrpcRequest(method: string | undefined, contentType: string | undefined): 405 | 415 | undefined {
  if (method !== 'POST') return 405
  return /^application\/grpc(\+proto)?(;|$)/.test(contentType ?? '') ? undefined : 415
}

/** Headers of a response without messages. @param code of google.rpc.Code */
export function createTrailersOnly(code: number, message: string): OutgoingHttpHeaders {
  return { ...RESPONSE_HEADERS, ...createTrailers(code, message) }
}

export function createTrailers(code: number, message: string): Readonly<Record<string, string>> {
  return { 'grpc-status': String(code), 'grpc-message': percentEncode(message) }
}

/** Sends headers only; if the client is still sending, the stream is closed with NO_ERROR. */
export function sendHeadersOnly(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return
  const complete = stream.readableEnded
  stream.respond(headers, { endStream: true })
  if (complete) return
  stream.resume()
  stream.close(constants.NGHTTP2_NO_ERROR)
}

/** Encodes Status-Message: all but printable ASCII, and `%` itself. */
function percentEncode(message: string): string {
  return message.replace(/[^ -$&-~]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
