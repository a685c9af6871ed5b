import { ROOT_CONTEXT, logs } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { findLogger, type LoggerProvider, type LogRecord } from './loggers.ts'
import { recordedLogs } from '../../test/support/recorded-logs.ts'

const API_LOGS = Symbol.for('io.opentelemetry.js.api.logs')
afterEach(() => {
  logs.disable()
  Reflect.deleteProperty(globalThis, API_LOGS)
})

const RECORD: LogRecord = {
  eventName: 'kafka.consumer.rebalance',
  severityNumber: 9,
  severityText: 'INFO',
  body: 'rebalance',
  attributes: {},
  context: ROOT_CONTEXT,
}

/**
 * As `@opentelemetry/api-logs` does for SDK 2: a function that takes a version of the
 * interface.
 */
function registerAsApiLogs(provider: LoggerProvider): void {
  const none: LoggerProvider = { getLogger: () => ({ emit() {} }) }
  Object.assign(globalThis, { [API_LOGS]: (version: number) => (version === 1 ? provider : none) })
}

test('no logger is found without a logger provider', () => {
  expect(findLogger(undefined)).toBeUndefined()
})

test('a globally registered logger provider is found', () => {
  const { provider, all } = recordedLogs()
  logs.setGlobalLoggerProvider(provider)
  findLogger(undefined)?.emit(RECORD)
  expect(all().map(({ name, severity, body }) => [name, severity, body])).toEqual([
    ['kafka.consumer.rebalance', 'INFO', 'rebalance'],
  ])
})

test('a logger provider registered the way of SDK 2 is found', () => {
  const { provider, all } = recordedLogs()
  registerAsApiLogs(provider)
  findLogger(undefined)?.emit(RECORD)
  expect(all()).toHaveLength(1)
})

test('the loggerProvider option takes precedence over the global one, and yields no logger once shut down', async () => {
  const [registered, configured] = [recordedLogs(), recordedLogs()]
  logs.setGlobalLoggerProvider(registered.provider)
  findLogger(configured.provider)?.emit(RECORD)
  expect([registered.all().length, configured.all().length]).toEqual([0, 1])
  await configured.provider.shutdown()
  expect(findLogger(configured.provider)).toBeUndefined()
})
