import { SpanStatusCode, type Span } from '@opentelemetry/api'
import type { AttributeNames } from '../../semconv.ts'

/** Sets `error.type`, an exception event and the status with the error's message. */
export function recordError(span: Span, error: unknown, names: AttributeNames): void {
  if (!span.isRecording()) return
  // Thrown values may have properties that throw: the status is set first.
  span.setStatus({ code: SpanStatusCode.ERROR })
  names.set(span, 'errorType', getErrorType(error))
  const message = error instanceof Error ? error.message : String(error)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.recordException(error instanceof Error ? error : message)
}

/**
 * Returns Kafka's error name (`NOT_ENOUGH_REPLICAS`), also from wrapped errors (kafkajs:
 * KafkaJSNumberOfRetriesExceeded), else the error's name, else `_OTHER`.
 */
export function getErrorType(error: unknown): string {
  try {
    return findKafkaErrorName(error) ?? (error instanceof Error && error.name ? error.name : OTHER)
  } catch {
    return OTHER
  }
}

const OTHER = '_OTHER'

function findKafkaErrorName(error: unknown): string | undefined {
  let cause = error
  // No client wraps deeper; the limit stops cycles.
  for (let depth = 0; depth < 5 && cause instanceof Error; depth += 1) {
    const type = (cause as { readonly type?: unknown }).type
    if (typeof type === 'string' && KAFKA_ERROR_NAME.test(type)) return type
    cause = cause.cause
  }
  return undefined
}

const KAFKA_ERROR_NAME = /^[A-Z][A-Z0-9_]{2,63}$/
