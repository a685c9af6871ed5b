import * as api from '@opentelemetry/api'
import type { Attributes, Context } from '@opentelemetry/api'
import { VERSION } from '../core/version.ts'

/**
 * What is used of a logger provider. OpenTelemetry's fits as it is: that of `@opentelemetry/api`
 * since 1.10, and that of `@opentelemetry/api-logs` for SDK 2, which this package doesn't need to
 * be installed.
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

/**
 * The logger that has somewhere to write to: the provider's, if there is one, else one of those
 * registered globally.
 */
export function findLogger(provider: LoggerProvider | undefined): Logger | undefined {
  const providers = provider ? [provider] : [getGlobalProvider(), getLegacyGlobalProvider()]
  for (const candidate of providers) {
    const logger = candidate?.getLogger('@spanlink/kafka', VERSION)
    // The API answers with a logger, which is disabled, where no provider is registered.
    if (logger && logger.enabled?.() !== false) return logger
  }
  return undefined
}

// By the namespace, as a named import of what API 1.9 doesn't have would not load.
function getGlobalProvider(): LoggerProvider | undefined {
  const { logs } = api as { readonly logs?: { getLoggerProvider(): LoggerProvider } }
  return logs?.getLoggerProvider()
}

/**
 * Where `@opentelemetry/api-logs` registers: a function that is asked for the version of its
 * interface; 1 in 0.5x to 0.21x.
 * https://github.com/open-telemetry/opentelemetry-js/blob/main/experimental/packages/api-logs/src/internal/global-utils.ts
 */
function getLegacyGlobalProvider(): LoggerProvider | undefined {
  const registered = (globalThis as { [name: symbol]: unknown })[API_LOGS]
  return typeof registered === 'function'
    ? (registered as (version: number) => LoggerProvider | undefined)(1)
    : undefined
}

const API_LOGS = Symbol.for('io.opentelemetry.js.api.logs')
