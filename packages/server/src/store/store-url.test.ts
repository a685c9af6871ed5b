import { expect, test } from 'vitest'
import { parseStoreUrl } from './store-url.ts'

test('a store URL names one server, or every node of a cluster', () => {
  expect(parseStoreUrl('clickhouse://db.example')).toEqual({
    nodes: [{ url: 'http://db.example:8123', username: 'default', password: '' }],
    database: 'spanlink',
  })
  const login = { username: 'me', password: 'p@ss,1' }
  expect(parseStoreUrl('https://me:p%40ss%2C1@one:8443,[::1]:8444/traces?cluster=main')).toEqual({
    nodes: [
      { url: 'https://one:8443', ...login },
      { url: 'https://[::1]:8444', ...login },
    ],
    database: 'traces',
    cluster: 'main',
  })
})

test.each([
  ['clickhouse://one,two/db', '?cluster='],
  ['clickhouse://one/db?cluster=a-b', 'letters'],
  ["clickhouse://one/db?cluster=x'); drop", 'letters'],
  ['clickhouse://one/db?async=1', 'async'],
  ['clickhouse://one:nope/db', 'looks like'],
  ['ftp://one/db', 'looks like'],
])('the store URL %s is refused', (url, why) => {
  expect(() => parseStoreUrl(url)).toThrow(why)
})
