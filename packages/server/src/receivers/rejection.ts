import { OtlpError } from '../otlp/error.ts'
import { RetryableError, type RejectionReason } from './ingest-pipeline.ts'
import { BodyError } from './body/request-body.ts'

/** Maps an error of a receiver to the reason under which it is counted. */
export function toRejectionReason(error: unknown): RejectionReason {
  if (error instanceof OtlpError) {
    if (error.code === 'too-large') return 'tooLarge'
    return error.code === 'over-limit' || error.code === 'too-deep' ? 'overLimit' : 'malformed'
  }
  if (error instanceof BodyError) {
    if (error.code === 'too-large') return 'tooLarge'
    return error.code === 'no-room' ? 'busy' : 'malformed'
  }
  return error instanceof RetryableError ? 'busy' : 'failed'
}

/** Describes an error on one line: with its cause, or the stack of an internal error. */
export function describeRejection(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (toRejectionReason(error) === 'failed') return (error.stack ?? error.message).replaceAll(/\s*\n\s*/g, ' ')
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
