import { expect, test } from 'vitest'
import { createHostGuard } from './host-guard.ts'

test.each(['localhost', 'localhost:4319', '127.0.0.1:4319', '[::1]:4319', 'LOCALHOST:1'])(
  'a server on loopback accepts the Host %s',
  (header) => {
    expect(createHostGuard('127.0.0.1')(header)).toBe(true)
  },
)

test.each([undefined, '', 'evil.example', '127.0.0.1.evil.example:4319', 'localhost.evil.example', '10.0.0.1:4319'])(
  'a server on loopback rejects the Host %s',
  (header) => {
    expect(createHostGuard('127.0.0.1')(header)).toBe(false)
  },
)

test('a server on another address accepts every Host', () => {
  expect(createHostGuard('0.0.0.0')('traces.example')).toBe(true)
})
