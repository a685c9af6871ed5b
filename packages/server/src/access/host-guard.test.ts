import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { createHostGuard, isSameOrigin } from './host-guard.ts'

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

test.each(['10.1.2.3:4319', '[2001:db8::1]:4319', 'localhost', `${hostname()}:4319`])(
  'a server on all addresses accepts the Host %s, which no page of another site can have',
  (header) => {
    expect(createHostGuard('0.0.0.0')(header)).toBe(true)
  },
)

test.each(['evil.example', '10.1.2.3.evil.example', 'traces.example.evil.example', 'xtraces.example', undefined])(
  'a server on all addresses rejects the Host %s unless it is allowed',
  (header) => {
    expect(createHostGuard('0.0.0.0', ['traces.example', '*.traces.example'])(header)).toBe(false)
  },
)

test.each([
  [['Traces.Example'], 'traces.example:443'],
  [['*.example'], 'traces.example'],
  [['*'], 'anything.invalid'],
])('the allowed hosts %j accept the Host %s, also on loopback', (allowed, header) => {
  expect(createHostGuard('127.0.0.1', allowed)(header)).toBe(true)
})

test.each([
  [undefined, 'a.example:4319', true],
  ['http://a.example:4319', 'a.example:4319', true],
  ['https://a.example', 'a.example:443', true],
  ['https://A.example', 'a.example', true],
  ['http://b.example', 'a.example', false],
  ['http://a.example:1', 'a.example:2', false],
  ['null', 'a.example', false],
  ['nonsense', 'a.example', false],
])('a request with Origin %s to Host %s is of the same origin: %s', (origin, host, expected) => {
  expect(isSameOrigin(origin, host)).toBe(expected)
})
