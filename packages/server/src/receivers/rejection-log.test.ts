import { expect, test } from 'vitest'
import type { LogFields } from '../log.ts'
import { type Rejection, RejectionLog } from './rejection-log.ts'

function setup() {
  const lines: { readonly message: string; readonly fields: LogFields | undefined }[] = []
  const clock = { ms: 0 }
  const log = new RejectionLog(
    (message, fields) => lines.push({ message, fields }),
    () => clock.ms,
  )
  return { log, clock, lines, messages: () => lines.map(({ message }) => message) }
}

const client = { receiver: 'OTLP/HTTP', address: '10.0.0.5' } as const
const badId: Rejection = {
  client,
  reason: 'invalid',
  items: 'spans',
  count: 3,
  message: 'span 0 of the request: span id has 0 bytes, not 8 (3 spans)',
}
const malformed: Rejection = { client, reason: 'malformed', items: 'requests', count: 1, message: 'not protobuf' }

test('the first rejection is logged at once, with receiver, reason, count, client and example', () => {
  const { log, lines } = setup()
  log.add(badId)
  expect(lines).toEqual([
    {
      message:
        'OTLP/HTTP rejected 3 spans (invalid) from 10.0.0.5: span 0 of the request: span id has 0 bytes, not 8 (3 spans)',
      fields: { level: 'warn', receiver: 'OTLP/HTTP', reason: 'invalid', items: 'spans', count: 3 },
    },
  ])
})

test('later rejections of the same reason are one line per 10 s, with their count and the last example', () => {
  const { log, clock, messages } = setup()
  log.add({ ...malformed, message: 'byte 0' })
  for (let at = 1; at <= 9999; at++) {
    clock.ms = at
    log.add({ ...malformed, message: `byte ${at}`, client: { ...client, address: '10.0.0.6' } })
    log.logDue()
  }
  expect(messages()).toEqual(['OTLP/HTTP rejected 1 request (malformed) from 10.0.0.5: byte 0'])
  clock.ms = 10_000
  log.logDue()
  log.logDue()
  expect(messages().slice(1)).toEqual([
    'OTLP/HTTP rejected 9999 more requests (malformed) in 10 s, the last from 10.0.0.6: byte 9999',
  ])
})

test('a reason that was silent for 10 s is logged at once again', () => {
  const { log, clock, messages } = setup()
  log.add(malformed)
  clock.ms = 10_000
  log.logDue()
  log.add(malformed)
  expect(messages()).toEqual(Array(2).fill('OTLP/HTTP rejected 1 request (malformed) from 10.0.0.5: not protobuf'))
})

test('each receiver and reason has its own line; numbers and quoted values make no other reason', () => {
  const { log, messages } = setup()
  log.add(badId)
  log.add({ ...badId, message: 'span 7 of the request: span id has 9 bytes, not 8' })
  log.add({ ...badId, message: 'span 7 of the request: trace id is all zero' })
  log.add({ ...badId, client: { receiver: 'Kafka', address: 'orders/0 at offset 12' } })
  log.add({ ...malformed, message: 'kind must be a number, got "a"' })
  log.add({ ...malformed, message: 'kind must be a number, got "b"' })
  expect(messages()).toHaveLength(4)
})

test('hostile reasons add at most nine lines per receiver in 10 s, and hide no rejection', () => {
  const { log, clock, messages } = setup()
  const add = (round: string): void => {
    for (let at = 0; at < 10_000; at++) log.add({ ...malformed, message: round + 'x'.repeat(at % 1000) })
  }
  add('first ')
  expect(messages()).toHaveLength(9)
  expect(messages()[8]).toContain('OTLP/HTTP rejected 1 request (other reasons) from 10.0.0.5: first x')
  log.add({ ...malformed, client: { receiver: 'Kafka', address: 'orders/0 at offset 12' } })
  expect(messages()).toHaveLength(10)
  clock.ms = 10_000
  add('second ')
  log.logDue()
  log.flush()
  expect(messages().length).toBeLessThanOrEqual(10 + 2 * 9)
  const counts = messages().map((message) => Number(/rejected (\d+)/.exec(message)?.[1]))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20_001)
})

test('a flush logs pending counts before their 10 s have passed', () => {
  const { log, clock, messages } = setup()
  log.add(malformed)
  log.flush()
  clock.ms = 2000
  log.add(malformed)
  log.flush()
  log.flush()
  expect(messages().slice(1)).toEqual([
    'OTLP/HTTP rejected 1 more request (malformed) in 2 s, the last from 10.0.0.5: not protobuf',
  ])
})

test('control characters of a rejected request do not reach the log', () => {
  const { log, messages } = setup()
  log.add({ ...malformed, message: `got "a\nOTLP ready\u001b[2J\u202e"${'x'.repeat(100_000)}` })
  expect(messages()[0]).toMatch(/got "a␊OTLP ready␛\[2J\ufffd"x{900}/)
  expect(messages()[0]?.length).toBeLessThan(1100)
})
