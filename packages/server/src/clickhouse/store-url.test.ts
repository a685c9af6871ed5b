import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreError } from './store-error.ts'
import { parseStoreUrl } from './store-url.ts'

test('a store URL is parsed into one server or the nodes of a cluster', () => {
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
  ['clickhouse://one:nope/db', 'expected clickhouse:'],
  ['ftp://one/db', 'expected clickhouse:'],
  ['clickhouse://me:100%@one/db', 'expected clickhouse:'],
  ['clickhouse://%zz@one/db', 'expected clickhouse:'],
])('the store URL %s is rejected with a message that contains %s', (url, why) => {
  expect(() => parseStoreUrl(url)).toThrow(why)
})

function problemOf(url: string): unknown {
  try {
    parseStoreUrl(url)
    return undefined
  } catch (error) {
    return error
  }
}

test('any other malformed store URL is rejected with a StoreError', () => {
  const parts = ['clickhouse://', 'https:', '//', '@', ':', '%', '%zz', '[', ']', ',', '/', '?', '#', 'cluster=', 'a']
  const url = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...parts)).map((some) => some.join('')),
  )
  fc.assert(
    fc.property(url, (text) => {
      expect(problemOf(text)).toSatisfy((error) => error === undefined || error instanceof StoreError)
    }),
  )
})
