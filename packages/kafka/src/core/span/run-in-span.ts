import { context, type Context, type Span } from '@opentelemetry/api'
import type { DurationRecorder } from '../../metrics/metrics.ts'
import type { Tracing } from './tracing.ts'

/**
 * Runs `fn` in `within` and ends `span` when it returns, throws, resolves or rejects. Synchronous
 * functions stay synchronous.
 * @param recorder records the duration, if metrics are collected
 */
export function runInSpan<R>(
  tracing: Tracing,
  span: Span,
  within: Context,
  fn: (span: Span) => R,
  recorder?: DurationRecorder,
): R {
  const call = (): R => context.with(within, fn, undefined, span)
  if (recorder !== undefined) {
    const startedAt = performance.now()
    return observe(
      call,
      () => {
        recorder.record(startedAt, within)
        tracing.endSpan(span)
      },
      (error) => {
        recorder.record(startedAt, within, error ?? null)
        tracing.failSpan(span, error)
      },
    )
  }
  return observe(
    call,
    () => tracing.endSpan(span),
    (error) => tracing.failSpan(span, error),
  )
}

/** Calls `fn`, then `succeeded` or `failed`, which must not throw. */
export function observe<R>(fn: () => R, succeeded: (value: Awaited<R>) => void, failed: (error: unknown) => void): R {
  let result: R
  try {
    result = fn()
  } catch (error) {
    failed(error)
    throw error
  }
  if (!isPromiseLike(result)) {
    succeeded(result as Awaited<R>)
    return result
  }
  return result.then(
    (value) => {
      succeeded(value as Awaited<R>)
      return value
    },
    (error: unknown) => {
      failed(error)
      throw error
    },
  ) as R
}

/**
 * Like `observe` without closures around the promise, for calls per message: `succeeded` returns
 * its value, `failed` throws its error.
 */
export function observeInPlace<T, R extends PromiseLike<T>>(
  fn: () => R,
  succeeded: (value: T) => T,
  failed: (error: unknown) => never,
): R {
  let result: R
  try {
    result = fn()
  } catch (error) {
    return failed(error)
  }
  return (isPromiseLike(result) ? result.then(succeeded, failed) : succeeded(result as T)) as R
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null) return false
  try {
    return typeof (value as { then?: unknown }).then === 'function'
  } catch {
    // An accessor of the application's result, which it may never read.
    return false
  }
}
