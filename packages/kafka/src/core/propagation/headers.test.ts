import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { visitHeaders } from './header-shapes.ts'
import { hasHeader, headerGetter, replaceHeaders } from './headers.ts'

const NOTHING: ReadonlySet<string> = new Set()
const PROPAGATED: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))
const value = fc.oneof(bytes, fc.string(), fc.constant(null), fc.constant(undefined), fc.integer())
const name = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('traceparent', 'TraceParent', 'tracestate', 'baggage', '__proto__', 'constructor', 'app'),
)
const record = fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 3 })), { maxKeys: 6 })
const key = fc.oneof(
  name,
  name.map((text) => Buffer.from(text)),
)
const carrier = fc.oneof(
  record,
  fc.array(fc.dictionary(name, value, { minKeys: 1, maxKeys: 1 }), { maxLength: 6 }),
  fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 6 }),
  fc.array(fc.tuple(key, value), { maxLength: 6 }).map((pairs) => new Map(pairs)),
)

describe('header getter', () => {
  test('headers with bytes, strings or repeated values are read in every container shape', () => {
    const shapes = [
      { traceparent: 'a' },
      { traceparent: Buffer.from('a') },
      { traceparent: new Uint8Array([97]) },
      { traceparent: ['stale', Buffer.from('a')] },
      { traceparent: ['a', null, '', undefined, 7] },
      { TraceParent: 'a' },
      [{ traceparent: 'stale' }, { other: 'x' }, { traceparent: 'a' }],
      [['traceparent', 'a']],
      [[Buffer.from('traceparent'), Buffer.from('a')]],
      new Map<unknown, unknown>([['traceparent', 'a']]),
      new Map<unknown, unknown>([[Buffer.from('traceparent'), Buffer.from('a')]]),
    ]
    expect(shapes.map((headers) => headerGetter.get(headers, 'traceparent'))).toEqual(shapes.map(() => 'a'))
  })

  test('repeated tracestate and baggage headers are joined', () => {
    expect(headerGetter.get({ baggage: ['a=1', Buffer.from('b=2')] }, 'baggage')).toBe('a=1,b=2')
    expect(headerGetter.get([{ tracestate: 'a=1' }, { tracestate: 'b=2' }], 'tracestate')).toBe('a=1,b=2')
  })

  test('an absent, empty, non-text or oversized header is undefined', () => {
    const values = [null, undefined, '', Buffer.alloc(0), 7, {}, [], Buffer.alloc(1 << 20, 'a')]
    for (const traceparent of values) expect(headerGetter.get({ traceparent }, 'traceparent')).toBeUndefined()
    for (const headers of [undefined, null, 'text', 7, Buffer.from('x')]) {
      expect(headerGetter.get(headers, 'traceparent')).toBeUndefined()
      expect(headerGetter.keys(headers)).toEqual([])
    }
  })

  test('inherited object properties are not read as headers', () => {
    expect(headerGetter.get({}, 'constructor')).toBeUndefined()
    expect(headerGetter.get({}, '__proto__')).toBeUndefined()
  })

  test('any value passed as headers is read without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(carrier, fc.anything()), name, (headers, field) => {
        const text = headerGetter.get(headers, field)
        expect(text === undefined || typeof text === 'string').toBe(true)
        for (const found of headerGetter.keys(headers)) expect(typeof found).toBe('string')
        hasHeader(headers, PROPAGATED)
      }),
    )
  })
})

describe('replaceHeaders', () => {
  test('a written header is read back once and replaces earlier headers of its name', () => {
    fc.assert(
      fc.property(carrier, fc.string({ minLength: 1 }), (headers, text) => {
        const replaced = replaceHeaders(headers, ['traceparent', text], NOTHING)
        expect(headerGetter.get(replaced, 'traceparent')).toBe(text)
        let count = 0
        visitHeaders(replaced, (found) => (count += String(found).toLowerCase() === 'traceparent' ? 1 : 0))
        expect(count).toBe(1)
      }),
    )
  })

  test('headers that are not propagated keep their order and container shape', () => {
    fc.assert(
      fc.property(carrier, (headers) => {
        const replaced = replaceHeaders(headers, ['traceparent', 'x'], PROPAGATED)
        expect(others(replaced)).toEqual(others(headers))
        expect(Array.isArray(replaced)).toBe(Array.isArray(headers))
        expect(replaced instanceof Map).toBe(headers instanceof Map)
        expect(headerGetter.get(replaced, 'baggage')).toBeUndefined()
      }),
    )
  })

  test('the original headers are not modified', () => {
    const headers = Object.freeze({ TRACEPARENT: 'old', app: Object.freeze(['1', '2']) })
    expect(replaceHeaders(headers, ['traceparent', 'new'], NOTHING)).toEqual({ app: ['1', '2'], traceparent: 'new' })
    expect(headers).toEqual({ TRACEPARENT: 'old', app: ['1', '2'] })
  })

  test('absent headers become an object, and an invalid container is passed on for the client to reject', () => {
    expect(replaceHeaders(undefined, ['a', 'b'], NOTHING)).toEqual({ a: 'b' })
    expect(replaceHeaders('text', ['a', 'b'], NOTHING)).toBe('text')
  })

  test('headers are written as bytes for a client that needs bytes', () => {
    const replaced = replaceHeaders(new Map([[Buffer.from('a'), Buffer.from('b')]]), ['c', 'd'], NOTHING)
    expect([...(replaced as Map<unknown, unknown>)].at(-1)).toEqual([Buffer.from('c'), Buffer.from('d')])
    expect(replaceHeaders({}, ['c', 'd'], NOTHING, { value: Buffer.from })).toEqual({ c: Buffer.from('d') })
  })
})

function others(headers: unknown): unknown[] {
  const found: unknown[] = []
  visitHeaders(headers, (field, one) => {
    if (!PROPAGATED.has(String(field).toLowerCase())) found.push([String(field), one])
  })
  return found
}
