import { expect, test } from 'vitest'
import { toClientId } from './client-id.ts'

test.each([
  ['::ffff:10.0.0.7', '10.0.0.7'],
  ['10.0.0.7', '10.0.0.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1::6', '2001:db8:1:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('the address %s belongs to client %s', (address, client) => {
  expect(toClientId(address)).toBe(client)
})
