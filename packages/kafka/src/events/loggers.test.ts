import { ROOT_CONTEXT, logs } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { findLogger } from './loggers.ts'
import type { LoggerProvider, LogRecord } from './loggers.ts'
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
 * As `@opentelemetry/api-logs` does for SDK 2: a function that is asked for a version of its
 * interface.
 */
function registerAsApiLogs(provider: LoggerProvider): void {
  const none: LoggerProvider = { getLogger: () => ({ emit() {} }) }
  Object.assign(globalThis, { [API_LOGS]: (version: number) => (version === 1 ? provider : none) })
}

test('without a provider there is no logger', () => {
  expect(findLogger(undefined)).toBeUndefined()
})

test('the provider that is registered globally is found, whenever it is', () => {
  const { provider, all } = recordedLogs()
  logs.setGlobalLoggerProvider(provider)
  findLogger(undefined)?.emit(RECORD)
  expect(all().map(({ name, severity, body }) => [name, severity, body])).toEqual([
    ['kafka.consumer.rebalance', 'INFO', 'rebalance'],
  ])
})

test('one that is registered as SDK 2 does is found, too', () => {
  const { provider, all } = recordedLogs()
  registerAsApiLogs(provider)
  findLogger(undefined)?.emit(RECORD)
  expect(all()).toHaveLength(1)
})

test('the option goes before what is registered, and one that is shut down takes nothing', async () => {
  const [registered, own] = [recordedLogs(), recordedLogs()]
  logs.setGlobalLoggerProvider(registered.provider)
  findLogger(own.provider)?.emit(RECORD)
  expect([registered.all().length, own.all().length]).toEqual([0, 1])
  await own.provider.shutdown()
  expect(findLogger(own.provider)).toBeUndefined()
})
