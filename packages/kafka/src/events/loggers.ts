import * as api from '@opentelemetry/api'
import type { Attributes, Context } from '@opentelemetry/api'
import { VERSION } from '../core/version.ts'

/**
 * The part of a logger provider used here. Fits those of `@opentelemetry/api` 1.10 and, for SDK 2,
 * of `@opentelemetry/api-logs`, without a dependency on it.
 */
export interface LoggerProvider {
  getLogger(name: string, version?: string): Logger
}

export interface Logger {
  emit(record: LogRecord): void
  /** Loggers of SDK 2 may not have it. */
  enabled?(options?: { readonly severityNumber?: number; readonly eventName?: string }): boolean
}

export interface LogRecord {
  readonly eventName: string
  readonly severityNumber: number
  readonly severityText: string
  readonly body: string
  readonly attributes: Attributes
  readonly context: Context
}

/** Returns an enabled logger of `provider`, else of a globally registered one. */
export function findLogger(provider: LoggerProvider | undefined): Logger | undefined {
  const providers = provider ? [provider] : [getGlobalProvider(), getLegacyGlobalProvider()]
  for (const candidate of providers) {
    const logger = candidate?.getLogger('@spanlink/kafka', VERSION)
    // Without a provider the API returns a disabled logger.
    if (logger && logger.enabled?.() !== false) return logger
  }
  return undefined
}

// A named import would fail to load with API 1.9.
function getGlobalProvider(): LoggerProvider | undefined {
  const { logs } = api as { readonly logs?: { getLoggerProvider(): LoggerProvider } }
  return logs?.getLoggerProvider()
}

/**
 * `@opentelemetry/api-logs` registers a function of its interface version, 1 from 0.5x to 0.21x.
 * https://github.com/open-telemetry/opentelemetry-js/blob/main/experimental/packages/api-logs/src/internal/global-utils.ts
 */
function getLegacyGlobalProvider(): LoggerProvider | undefined {
  const registered = (globalThis as { [name: symbol]: unknown })[API_LOGS]
  return typeof registered === 'function'
    ? (registered as (version: number) => LoggerProvider | undefined)(1)
    : undefined
}

const API_LOGS = Symbol.for('io.opentelemetry.js.api.logs')
