import { ForbiddenError, RateLimitError, UnauthenticatedError } from '../access/errors.ts'
import { OtlpError } from '../otlp/error.ts'
import { BodyError } from './body/request-body.ts'
import { RetryableError, type RejectionReason } from './ingest-pipeline.ts'
import { RPC_CODES } from './otlp-response.ts'

/** A rejected request: for the metric, the log and the response. */
export type RequestRejection = {
  readonly reason: RejectionReason
  /** google.rpc.Code */
  readonly code: number
  readonly message: string
  /** For the log, on one line: with the cause, or the stack of an internal error. */
  readonly details: string
  /** Set if the client should retry. */
  readonly retryAfterSeconds?: number
}

const RETRY_AFTER_SECONDS = 2

/** Classifies an error of any receiver. */
export function toRejection(error: unknown): RequestRejection {
  const known = classifyError(error)
  if (known === undefined) {
    const details = describeInternalError(error).replaceAll(/\s*\n\s*/g, ' ')
    return { reason: 'failed', code: RPC_CODES.internal, message: 'Internal error; see the server log.', details }
  }
  const { message, cause } = error as Error
  return { ...known, message, details: cause instanceof Error ? `${message}: ${cause.message}` : message }
}

/** With the stack, for the log. */
export function describeInternalError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function classifyError(error: unknown): Omit<RequestRejection, 'message' | 'details'> | undefined {
  if (error instanceof OtlpError || error instanceof BodyError) {
    switch (error.code) {
      case 'too-large':
        return { reason: 'tooLarge', code: RPC_CODES.resourceExhausted }
      case 'over-limit':
      case 'too-deep':
        return { reason: 'overLimit', code: RPC_CODES.invalidArgument }
      case 'no-room':
        return BUSY
      case 'bad-encoding':
        return { reason: 'malformed', code: RPC_CODES.unimplemented }
      default:
        return { reason: 'malformed', code: RPC_CODES.invalidArgument }
    }
  }
  if (error instanceof UnauthenticatedError) return { reason: 'unauthorized', code: RPC_CODES.unauthenticated }
  if (error instanceof ForbiddenError) return { reason: 'unauthorized', code: RPC_CODES.permissionDenied }
  if (error instanceof RateLimitError) {
    const { retryAfterSeconds } = error
    return { reason: 'rateLimited', code: RPC_CODES.resourceExhausted, retryAfterSeconds }
  }
  return error instanceof RetryableError ? BUSY : undefined
}

const BUSY = { reason: 'busy', code: RPC_CODES.unavailable, retryAfterSeconds: RETRY_AFTER_SECONDS } as const
