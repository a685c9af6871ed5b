import { describe, expect, test } from 'vitest'
import {
  anyValue,
  decodeTraces,
  encodeTraces,
  generateRequests,
  generateSpans,
  kv,
  randomSpanId,
  randomTraceId,
  seededRandom,
  tracesOf,
  type OtlpSpan,
  type TracesRequest,
} from './otlp.ts'

const everyField: TracesRequest = {
  resourceSpans: [
    {
      schemaUrl: 'https://schema.example/resource',
      resource: {
        attributes: [kv('service.name', 'payment')],
        droppedAttributesCount: 1,
        entityRefs: [{ schemaUrl: 's', type: 'service', idKeys: ['service.name'], descriptionKeys: ['d'] }],
      },
      scopeSpans: [
        {
          schemaUrl: 'https://schema.example/scope',
          scope: { name: 'n', version: 'v', attributes: [kv('a', true)], droppedAttributesCount: 2 },
          spans: [
            {
              traceId: '000102030405060708090a0b0c0d0e0f',
              spanId: '0001020304050607',
              traceState: 'k=v',
              parentSpanId: 'ffeeddccbbaa9988',
              name: 'process orders',
              kind: 5,
              startTimeUnixNano: '18446744073709551615',
              endTimeUnixNano: '9007199254740993',
              attributes: [
                kv('string', 'é'),
                kv('int', -(2n ** 63n)),
                kv('zero', 0),
                kv('double', 0.5),
                kv('nan', Number.NaN),
                kv('bytes', Uint8Array.of(0, 255)),
                kv('list', ['a', 1, null, [true]]),
                kv('map', { a: { b: 'c' } }),
                kv('empty', null),
              ],
              droppedAttributesCount: 3,
              events: [{ timeUnixNano: '5', name: 'e', attributes: [kv('x', 'y')], droppedAttributesCount: 4 }],
              droppedEventsCount: 5,
              links: [
                {
                  traceId: 'f'.repeat(32),
                  spanId: 'f'.repeat(16),
                  traceState: 'l=1',
                  attributes: [kv('topic', 'orders')],
                  droppedAttributesCount: 6,
                  flags: 0x301,
                },
              ],
              droppedLinksCount: 7,
              status: { message: 'm', code: 2 },
              flags: 0xffffffff,
            },
          ],
        },
      ],
    },
  ],
}

test('every field of a traces request is encoded to protobuf and decoded', () => {
  expect(decodeTraces(encodeTraces(everyField))).toEqual(everyField)
})

test('field numbers and wire types are those of opentelemetry-proto', () => {
  const span: OtlpSpan = { traceId: 'ab'.repeat(16), name: 'n', startTimeUnixNano: '1', flags: 1 }
  const hex = Buffer.from(encodeTraces({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })).toString('hex')
  const body = `0a10${'ab'.repeat(16)}2a016e390100000000000000850101000000`
  const length = body.length / 2
  const wrap = (tag: string, inner: string): string =>
    `${tag}${(inner.length / 2).toString(16).padStart(2, '0')}${inner}`
  expect(length).toBeLessThan(128)
  expect(hex).toBe(wrap('0a', wrap('12', wrap('12', body))))
})

test('ids of a wrong length are encoded as they are, and ids that are not hex are rejected', () => {
  const short = tracesOf('s', [{ traceId: 'abcd', spanId: 'ff' }])
  expect(decodeTraces(encodeTraces(short))).toEqual(short)
  expect(() => encodeTraces(tracesOf('s', [{ traceId: 'xyz' }]))).toThrow(/hex digits/)
})

test('decoding a truncated traces request throws', () => {
  const bytes = encodeTraces(everyField)
  expect(() => decodeTraces(bytes.subarray(0, bytes.length - 3))).toThrow(/out of range|index/)
})

test('integers are encoded as intValue, other numbers as doubleValue, non-finite ones by name', () => {
  expect(anyValue(3)).toEqual({ intValue: '3' })
  expect(anyValue(3.5)).toEqual({ doubleValue: 3.5 })
  expect(anyValue(Number.NEGATIVE_INFINITY)).toEqual({ doubleValue: '-Infinity' })
})

test('generated ids are random hex of the right length, and repeat for a seed', () => {
  expect(randomTraceId()).toMatch(/^[0-9a-f]{32}$/)
  expect(randomSpanId()).toMatch(/^[0-9a-f]{16}$/)
  expect(randomTraceId()).not.toBe(randomTraceId())
  expect(randomTraceId(seededRandom(7))).toBe(randomTraceId(seededRandom(7)))
})

describe('generated spans', () => {
  const spansOf = (request: TracesRequest): OtlpSpan[] =>
    (request.resourceSpans ?? []).flatMap(({ scopeSpans }) => (scopeSpans ?? []).flatMap(({ spans }) => spans ?? []))

  test('have the requested number, attributes and approximate share of links', () => {
    const spans = spansOf(generateSpans({ spans: 20_000, attributes: 12, linkRatio: 0.25 }))
    expect(spans).toHaveLength(20_000)
    expect(new Set(spans.map((span) => span.attributes?.length))).toEqual(new Set([12]))
    const share = spans.filter((span) => span.links?.length === 1).length / spans.length
    expect(share).toBeGreaterThan(0.23)
    expect(share).toBeLessThan(0.27)
  })

  test('are the same for one seed and different for another', () => {
    expect(generateSpans({ spans: 200, seed: 5 })).toEqual(generateSpans({ spans: 200, seed: 5 }))
    expect(generateSpans({ spans: 200, seed: 5 })).not.toEqual(generateSpans({ spans: 200, seed: 6 }))
  })

  test('link to producer spans in the same set and lie within their parents', () => {
    const spans = spansOf(generateSpans({ spans: 2000 }))
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    expect(byId.size).toBe(2000)
    for (const span of spans) {
      for (const link of span.links ?? []) expect(byId.get(link.spanId)?.kind).toBe(4)
      const parent = byId.get(span.parentSpanId)
      if (!parent) continue
      expect(parent.traceId).toBe(span.traceId)
      expect(BigInt(span.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(parent.startTimeUnixNano ?? 0))
      expect(BigInt(span.endTimeUnixNano ?? 0)).toBeLessThanOrEqual(BigInt(parent.endTimeUnixNano ?? 0))
    }
  })

  test('are split into requests of the requested size', () => {
    const sizes = [...generateRequests({ spans: 1100 }, 512)].map((request) => spansOf(request).length)
    expect(sizes).toEqual([512, 512, 76])
  })
})
