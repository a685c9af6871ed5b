import type { Attributes } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { createAttributeNames, parseSemconvOptIn, type Semconv } from './semconv.ts'

const written = (semconv: Semconv): Attributes => {
  const attributes: Attributes = {}
  const names = createAttributeNames(semconv)
  names.put(attributes, 'system', 'kafka')
  names.put(attributes, 'offset', 7)
  names.put(attributes, 'destination', 'orders')
  names.put(attributes, 'key', undefined)
  return attributes
}

test('attributes have the names of the chosen semantic conventions version', () => {
  const current = { 'messaging.system.name': 'kafka', 'kafka.offset': 7 }
  const before = { 'messaging.system': 'kafka', 'messaging.kafka.offset': 7 }
  const same = { 'messaging.destination.name': 'orders' }
  expect(written('1.45')).toEqual({ ...current, ...same })
  expect(written('1.44')).toEqual({ ...before, ...same })
  expect(written('dup')).toEqual({ ...current, ...before, ...same })
})

test('OTEL_SEMCONV_STABILITY_OPT_IN with messaging/dup writes old and new names, even beside messaging', () => {
  expect(parseSemconvOptIn(undefined)).toBe('1.45')
  expect(parseSemconvOptIn('http, messaging')).toBe('1.45')
  expect(parseSemconvOptIn('messaging, Messaging/DUP ')).toBe('dup')
})
