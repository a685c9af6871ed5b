import type {
  OtlpAnyValue,
  OtlpEvent,
  OtlpKeyValue,
  OtlpLink,
  OtlpSpan,
  ResourceSpans,
  TracesRequest,
} from '@spanlink/testkit/otlp'
import fc from 'fast-check'

/** Any valid OTLP request, with every field set or absent. */
export function arbitraryTraces(): fc.Arbitrary<TracesRequest> {
  return fc.record({ resourceSpans: fc.array(resourceSpans, { maxLength: 3 }) }, { requiredKeys: [] })
}

/** All of Unicode except lone surrogates, which UTF-8 cannot encode. */
const text = fc.string({ unit: 'binary', maxLength: 60 })
const shortText = fc.oneof(text, fc.constantFrom('', 'a', 'b', 'service.name', '__proto__', '7', '\0', "'; drop table"))
const uint32 = fc.nat(0xffffffff)
const uint64 = fc.bigInt(0n, 2n ** 64n - 1n).map(String)
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String)
const double = fc
  .double()
  .filter((value) => !Object.is(value, -0))
  .map((value) => (Number.isFinite(value) ? value : String(value)))
const base64 = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes).toString('base64'))

const { anyValue } = fc.letrec<{ anyValue: OtlpAnyValue; keyValue: OtlpKeyValue }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'value', depthSize: 'small' },
    fc.constant({}),
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: double }),
    fc.record({ bytesValue: base64 }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('anyValue'), { maxLength: 3 }) }) }),
    fc.record({ kvlistValue: fc.record({ values: fc.array(tie('keyValue'), { maxLength: 3 }) }) }),
  ),
  keyValue: fc.record({ key: shortText, value: tie('anyValue') }),
}))

// Up to 40: more than the number of keys that are compared pairwise.
const attributes = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.record({ key: shortText, value: anyValue }), { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(fc.record({ key: shortText, value: anyValue }), { maxLength: 40 }) },
)

function hexId(bytes: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString('hex'))
}

const anyId = (bytes: number): fc.Arbitrary<string> =>
  fc.oneof({ weight: 5, arbitrary: hexId(bytes) }, fc.constant('00'.repeat(bytes)), fc.constant(''))

const event: fc.Arbitrary<OtlpEvent> = fc.record(
  { timeUnixNano: uint64, name: text, attributes, droppedAttributesCount: uint32 },
  { requiredKeys: [] },
)

const link: fc.Arbitrary<OtlpLink> = fc.record(
  {
    traceId: anyId(16),
    spanId: anyId(8),
    traceState: text,
    attributes,
    droppedAttributesCount: uint32,
    flags: uint32,
  },
  { requiredKeys: [] },
)

const span: fc.Arbitrary<OtlpSpan> = fc.record(
  {
    traceId: hexId(16),
    spanId: hexId(8),
    traceState: text,
    parentSpanId: fc.oneof(hexId(8), fc.constant('00'.repeat(8)), fc.constant('')),
    name: text,
    kind: fc.oneof(fc.nat(5), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    startTimeUnixNano: uint64,
    endTimeUnixNano: uint64,
    attributes,
    droppedAttributesCount: uint32,
    events: fc.array(event, { maxLength: 3 }),
    droppedEventsCount: uint32,
    links: fc.array(link, { maxLength: 3 }),
    droppedLinksCount: uint32,
    status: fc.record({ message: text, code: fc.nat(4) }, { requiredKeys: [] }),
    flags: uint32,
  },
  { requiredKeys: ['traceId', 'spanId'] },
)

const names = fc.array(text.filter(Boolean), { minLength: 1, maxLength: 2 })

const resourceSpans: fc.Arbitrary<ResourceSpans> = fc.record(
  {
    resource: fc.record(
      {
        attributes,
        droppedAttributesCount: uint32,
        entityRefs: fc.array(
          fc.record({
            schemaUrl: text.filter(Boolean),
            type: text.filter(Boolean),
            idKeys: names,
            descriptionKeys: names,
          }),
          { maxLength: 2 },
        ),
      },
      { requiredKeys: [] },
    ),
    scopeSpans: fc.array(
      fc.record(
        {
          scope: fc.record(
            { name: text, version: text, attributes, droppedAttributesCount: uint32 },
            { requiredKeys: [] },
          ),
          spans: fc.array(span, { maxLength: 4 }),
          schemaUrl: text,
        },
        { requiredKeys: [] },
      ),
      { maxLength: 3 },
    ),
    schemaUrl: text,
  },
  { requiredKeys: [] },
)
