import { expect, test } from 'vitest'
import { readEnvironmentOptions } from './environment-options.ts'

function options(variables: Readonly<Record<string, string>>) {
  const rejections: string[] = []
  const entries = Object.entries(variables).map(([name, value]) => [`SPANLINK_KAFKA_${name}`, value])
  const read = readEnvironmentOptions(Object.fromEntries(entries), (message) => rejections.push(message))
  return { ...read, rejections }
}

test('every option has its default when no environment variable is set', () => {
  const { rejections, baggageAttributes, ...others } = options({})
  expect(Object.values(others).filter((value) => value !== undefined)).toEqual([])
  expect([rejections, baggageAttributes]).toEqual([[], []])
})

test('SPANLINK_KAFKA_CORRELATION sets one mode for all topics or one by topic, where the most specific rule wins', () => {
  expect(options({ CORRELATION: 'parent' }).correlation).toBe('parent')
  const { correlation, rejections } = options({ CORRELATION: ' parent, orders=link ,pay*=link,payments.eu*=parent' })
  const modes = ['orders', 'orders.dlq', 'payments', 'payments.eu-1'].map(correlation as (topic: string) => string)
  expect(modes).toEqual(['link', 'parent', 'link', 'parent'])
  expect(rejections).toEqual([])
  expect((options({ CORRELATION: 'a=parent' }).correlation as (topic: string) => string)('b')).toBe('link')
})

test('TOPICS includes and EXCLUDED_TOPICS excludes topics, and the most specific pattern wins', () => {
  const traced = (variables: Readonly<Record<string, string>>) =>
    ['orders', 'audit', 'audit.login', 'heartbeat'].filter(options(variables).filter!)
  expect(traced({ TOPICS: 'orders,audit*' })).toEqual(['orders', 'audit', 'audit.login'])
  expect(traced({ EXCLUDED_TOPICS: 'audit*,heartbeat' })).toEqual(['orders'])
  expect(traced({ TOPICS: 'audit.login', EXCLUDED_TOPICS: 'audit*' })).toEqual(['audit.login'])
  expect(traced({ TOPICS: '*', EXCLUDED_TOPICS: 'heartbeat' })).toEqual(['orders', 'audit', 'audit.login'])
})

test('booleans, enumerations and lists are parsed from environment variables', () => {
  expect(
    options({
      SEND_SPANS: 'perCall',
      RECEIVE_SPANS: 'false',
      MESSAGE_KEY: 'false',
      BAGGAGE_ATTRIBUTES: 'tenant, user,',
      SEMCONV: 'dup',
      CLIENT_ID: 'shop',
      METRICS: 'true',
    }),
  ).toMatchObject({
    sendSpans: 'perCall',
    receiveSpans: false,
    messageKey: false,
    baggageAttributes: ['tenant', 'user'],
    semconv: 'dup',
    clientId: 'shop',
    metrics: true,
    rejections: [],
  })
})

test('an invalid option is rejected with the accepted values and falls back to its default', () => {
  const { rejections, sendSpans, correlation } = options({ SEND_SPANS: 'percall', CORRELATION: 'orders=child' })
  expect(rejections).toEqual([
    'SPANLINK_KAFKA_CORRELATION is "orders=child", which is ignored: it can be link, parent, <topic>=link, <topic>=parent',
    'SPANLINK_KAFKA_SEND_SPANS is "percall", which is ignored: it can be perMessage, perCall',
  ])
  expect([sendSpans, correlation]).toEqual([undefined, undefined])
})
