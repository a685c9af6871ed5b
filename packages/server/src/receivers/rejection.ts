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
