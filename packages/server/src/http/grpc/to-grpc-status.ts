import { OtlpError } from '../../otlp/error.ts'
import { BodyError } from '../../receivers/body/request-body.ts'
import { RPC_CODES } from '../../receivers/otlp-response.ts'
import { toRejection } from '../../receivers/rejection.ts'
import { toProblem } from '../problems.ts'

const CANCELLED = 1

/** By status of the problem that the HTTP API would return. */
const CODES: Readonly<Record<number, number>> = {
  400: RPC_CODES.invalidArgument,
  401: RPC_CODES.unauthenticated,
  403: RPC_CODES.permissionDenied,
  404: RPC_CODES.unimplemented,
  415: RPC_CODES.unimplemented,
  // A valid query that exceeds a limit: a narrower one succeeds.
  422: RPC_CODES.resourceExhausted,
  429: RPC_CODES.resourceExhausted,
  499: CANCELLED,
  503: RPC_CODES.unavailable,
  504: RPC_CODES.deadlineExceeded,
}

/** The status of a failed call: a google.rpc.Code and its message. */
export function toGrpcStatus(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof BodyError || error instanceof OtlpError) return toRejection(error)
  const { status, detail } = toProblem(error)
  return { code: CODES[status] ?? RPC_CODES.internal, message: detail }
}
