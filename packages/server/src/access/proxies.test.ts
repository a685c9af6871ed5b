import { expect, test } from 'vitest'
import { createProxies } from './proxies.ts'

const proxies = createProxies(['127.0.0.1', '10.0.0.0/8', 'fd00::/8'])
const fromProxy = { remoteAddress: '::ffff:127.0.0.1' }

test('headers of a trusted proxy give the address, host and protocol of the client', () => {
  const headers = {
    host: 'internal:4319',
    'x-forwarded-for': '203.0.113.7, 10.1.1.1',
    'x-forwarded-host': 'traces.example',
    'x-forwarded-proto': 'https',
  }
  expect(proxies(headers, fromProxy)).toEqual({ address: '203.0.113.7', host: 'traces.example', protocol: 'https' })
})

test('headers of anyone else are ignored', () => {
  const headers = {
    host: 'a:1',
    'x-forwarded-for': '1.1.1.1',
    'x-forwarded-host': 'evil',
    'x-forwarded-proto': 'https',
  }
  const direct = { remoteAddress: '192.0.2.1' }
  expect(proxies(headers, direct)).toEqual({ address: '192.0.2.1', host: 'a:1', protocol: 'http' })
  expect(createProxies()(headers, fromProxy)).toEqual({ address: '127.0.0.1', host: 'a:1', protocol: 'http' })
})

test('an address that a client puts before that of the proxy is not believed', () => {
  const { address } = proxies({ 'x-forwarded-for': '10.9.9.9, 6.6.6.6, 203.0.113.7' }, fromProxy)
  expect(address).toBe('203.0.113.7')
})

test.each([
  ['x-forwarded-for', 'unknown'],
  ['x-forwarded-for', '<script>, 1.2.3'],
  ['x-forwarded-for', ','.repeat(5000)],
  ['x-forwarded-host', 'evil.example/path?'],
  ['x-forwarded-host', 'a b'],
  ['x-forwarded-host', `${'a'.repeat(300)}.example`],
  ['x-forwarded-proto', 'javascript'],
  ['x-forwarded-proto', 'HTTPS://'],
])('a malformed %s (%s) is ignored', (name, value) => {
  expect(proxies({ host: 'h', [name]: value }, fromProxy)).toEqual({
    address: '127.0.0.1',
    host: 'h',
    protocol: 'http',
  })
})

test.each(['10.0.0.0/33', 'example.com', '', '::/200', '10.0.0.0/x'])('the network %j is invalid', (network) => {
  expect(() => createProxies([network])).toThrow(RangeError)
})
