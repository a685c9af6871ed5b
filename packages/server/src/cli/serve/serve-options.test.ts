import { expect, test } from 'vitest'
import { UsageError } from '../args.ts'
import { parseServeOptions } from './serve-options.ts'

test('flags of serve are parsed into options', () => {
  const args = '--data d --store clickhouse://h --host ::1 --port 0 --otlp-http-port 1 --otlp-grpc-port 65535 --fsync'
  expect(parseServeOptions([...args.split(' '), '--retention', '1.5d', '--max-disk=20GB'], {})).toEqual({
    dataDir: 'd',
    store: 'clickhouse://h',
    host: '::1',
    port: 0,
    otlpHttpPort: 1,
    otlpGrpcPort: 65_535,
    retentionSeconds: 129_600,
    maxDiskBytes: 20e9,
    fsync: true,
    access: {},
  })
})

test('flags of the receivers are parsed into options', () => {
  const args = [
    '--tokens=t.json',
    '--tls-cert=c.pem',
    '--tls-key=k.pem',
    '--otlp-cors-origins=https://a, https://b',
    '--kafka-brokers=a:9092,b:9092',
    '--kafka-topics=logs=my.logs, traces=my_spans',
    '--kafka-group=g',
  ]
  expect(parseServeOptions(args, { SPANLINK_TOKENS: 'other' })).toMatchObject({
    access: {
      tokensFile: 't.json',
      tls: { certFile: 'c.pem', keyFile: 'k.pem' },
      corsOrigins: ['https://a', 'https://b'],
    },
    kafka: {
      brokers: ['a:9092', 'b:9092'],
      groupId: 'g',
      topics: [
        ['my.logs', 'logs'],
        ['my_spans', 'traces'],
      ],
    },
  })
  expect(parseServeOptions([], { SPANLINK_TOKENS: 'other' }).access?.tokensFile).toBe('other')
  expect(parseServeOptions(['--kafka-brokers=a'], {}).kafka).toEqual({
    brokers: ['a'],
    groupId: 'spanlink',
    topics: [['otlp_spans', 'traces']],
  })
})

test('TLS and SASL flags of Kafka are parsed, with the password from the environment', () => {
  const env = { SPANLINK_KAFKA_SASL_PASSWORD: 'p', SPANLINK_KAFKA_SASL_USERNAME: 'other' }
  const sasl = ['--kafka-sasl-username=u', '--kafka-sasl-mechanism=SCRAM-SHA-512']
  const tls = ['--kafka-tls-ca=ca.pem', '--kafka-tls-cert=c.pem', '--kafka-tls-key=k.pem']
  expect(parseServeOptions(['--kafka-brokers=a', ...sasl, ...tls], env).kafka).toMatchObject({
    tls: { caFile: 'ca.pem', certFile: 'c.pem', keyFile: 'k.pem' },
    sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
  })
  expect(parseServeOptions(['--kafka-brokers=a', '--kafka-tls'], {}).kafka).toMatchObject({ tls: {} })
})

test.each([
  ['--tls-cert=c.pem'],
  ['--kafka-brokers=a', '--kafka-topics=spans=x'],
  ['--kafka-group=g'],
  ['--kafka-brokers=a', '--kafka-tls-cert=c.pem'],
  ['--kafka-brokers=a', '--kafka-sasl-username=u'],
  ['--kafka-brokers=a', '--kafka-sasl-mechanism=plain'],
  ['--kafka-brokers=a', '--kafka-sasl-username=u', '--kafka-sasl-password-file=/nowhere/secret'],
])('%s is rejected without the flags that it requires', (...args) => {
  expect(() => parseServeOptions(args, {})).toThrow(UsageError)
})

test('a flag takes precedence over its environment variable', () => {
  expect(parseServeOptions([], { SPANLINK_DATA: 'e' }).dataDir).toBe('e')
  expect(parseServeOptions(['--data', 'd'], { SPANLINK_DATA: 'e' }).dataDir).toBe('d')
})

test.each([
  '0d',
  '-1d',
  '7',
  '7 years',
  'd',
  '',
  '500ms',
  '59s',
  'spans=7d',
  'logs=',
  'logs',
  'logs=7d,',
  'logs=7d,logs=8d',
  'logs=7d=8d',
  '7d,logs=3d',
  '__proto__=7d',
])('a retention of %j is rejected', (value) => {
  expect(() => parseServeOptions([`--retention=${value}`], {})).toThrow(UsageError)
})

test('a retention below a minute is rejected with the minimum', () => {
  expect(() => parseServeOptions(['--retention', '500ms'], {})).toThrow(
    'invalid --retention "500ms": expected a duration such as 7d, 12h or 30m, at least 1m, or none; or traces=7d,logs=3d,metrics=30d',
  )
  expect(parseServeOptions(['--retention', '1m'], {}).retentionSeconds).toBe(60)
  const perSignal = parseServeOptions(['--retention', 'logs=1h,metrics=none'], {}).retentionSeconds
  expect(perSignal).toEqual({ logs: 3600, metrics: Infinity })
})

test.each(['65536', '-1', '80.5', 'http', '', '0x50'])('a port of %j is rejected', (value) => {
  expect(() => parseServeOptions([`--port=${value}`], {})).toThrow(UsageError)
})
