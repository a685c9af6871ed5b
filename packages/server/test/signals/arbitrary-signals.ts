import fc from 'fast-check'

/**
 * Valid logs and metrics in their JSON form, with every field set or
 * absent.
 */
const text = fc.string({ unit: 'binary', maxLength: 40 })
const uint32 = fc.nat(0xffffffff)
const uint64 = fc.bigInt(0n, 2n ** 64n - 1n).map(String)
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String)
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const double = fc
  .double()
  .filter((value) => !Object.is(value, -0))
  .map((value) => (Number.isFinite(value) ? value : String(value)))
const id = (bytes: number) =>
  fc.uint8Array({ minLength: 0, maxLength: bytes }).map((list) => Buffer.from(list).toString('hex'))

const { value } = fc.letrec<{ value: object; keyValue: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constant({}),
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: double }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 20 }).map((list) => Buffer.from(list).toString('base64')) }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({ kvlistValue: fc.record({ values: fc.array(tie('keyValue'), { maxLength: 3 }) }) }),
  ),
  keyValue: fc.record({ key: text, value: tie('value') }),
}))
const attributes = fc.array(fc.record({ key: text, value }), { maxLength: 5 })

const optional = { requiredKeys: [] as [] }

const resource = fc.record({ attributes, droppedAttributesCount: uint32 }, optional)
const scope = fc.record({ name: text, version: text, attributes, droppedAttributesCount: uint32 }, optional)

export function arbitraryLogs(): fc.Arbitrary<object> {
  const record = fc.record(
    {
      timeUnixNano: uint64,
      observedTimeUnixNano: uint64,
      severityNumber: fc.nat(24),
      severityText: text,
      body: value,
      attributes,
      droppedAttributesCount: uint32,
      flags: uint32,
      traceId: id(16),
      spanId: id(8),
      eventName: text,
    },
    optional,
  )
  const scopeLogs = fc.record({ scope, logRecords: fc.array(record, { maxLength: 3 }), schemaUrl: text }, optional)
  const resourceLogs = fc.record(
    { resource, scopeLogs: fc.array(scopeLogs, { maxLength: 2 }), schemaUrl: text },
    optional,
  )
  return fc.record({ resourceLogs: fc.array(resourceLogs, { maxLength: 2 }) }, optional)
}

export function arbitraryMetrics(): fc.Arbitrary<object> {
  const times = { startTimeUnixNano: uint64, timeUnixNano: uint64 }
  const exemplar = fc.record(
    { timeUnixNano: uint64, asDouble: double, traceId: id(16), spanId: id(8), filteredAttributes: attributes },
    optional,
  )
  const shared = { ...times, attributes, flags: uint32 }
  const exemplars = fc.array(exemplar, { maxLength: 2 })
  const numberPoint = fc.oneof(
    fc.record({ ...shared, asDouble: double, exemplars }, optional),
    fc.record({ ...shared, asInt: int64, exemplars }, optional),
  )
  const measures = { count: uint64, sum: double, min: double, max: double }
  const buckets = fc.array(double, { maxLength: 4 }).chain((explicitBounds) =>
    fc.record({
      explicitBounds: fc.constant(explicitBounds),
      bucketCounts: fc.array(uint64, {
        // Now and then one too few.
        minLength: explicitBounds.length,
        maxLength: explicitBounds.length + 1,
      }),
    }),
  )
  const histogramPoint = fc
    .tuple(fc.record({ ...shared, ...measures, exemplars }, optional), buckets)
    .map(([point, own]) => ({ ...point, ...own }))
  const side = fc.record({ offset: int32, bucketCounts: fc.array(uint64, { maxLength: 4 }) }, optional)
  const exponentialPoint = fc.record(
    {
      ...shared,
      ...measures,
      exemplars,
      scale: int32,
      zeroCount: uint64,
      positive: side,
      negative: side,
      zeroThreshold: double,
    },
    optional,
  )
  const quantileValues = fc.array(fc.record({ quantile: double, value: double }, optional), { maxLength: 3 })
  const summaryPoint = fc.record({ ...shared, count: uint64, sum: double, quantileValues }, optional)
  const points = (point: fc.Arbitrary<object>) => fc.array(point, { maxLength: 3 })
  const aggregationTemporality = fc.nat(2)
  const data = fc.oneof(
    fc.record({ gauge: fc.record({ dataPoints: points(numberPoint) }) }),
    fc.record({
      sum: fc.record({ dataPoints: points(numberPoint), aggregationTemporality, isMonotonic: fc.boolean() }),
    }),
    fc.record({ histogram: fc.record({ dataPoints: points(histogramPoint), aggregationTemporality }) }),
    fc.record({ exponentialHistogram: fc.record({ dataPoints: points(exponentialPoint), aggregationTemporality }) }),
    fc.record({ summary: fc.record({ dataPoints: points(summaryPoint) }) }),
    fc.constant({}),
  )
  const metric = fc
    .tuple(fc.record({ name: text, description: text, unit: text, metadata: attributes }, optional), data)
    .map(([head, own]) => ({ ...head, ...own }))
  const scopeMetrics = fc.record({ scope, metrics: fc.array(metric, { maxLength: 3 }), schemaUrl: text }, optional)
  const resourceMetrics = fc.record(
    { resource, scopeMetrics: fc.array(scopeMetrics, { maxLength: 2 }), schemaUrl: text },
    optional,
  )
  return fc.record({ resourceMetrics: fc.array(resourceMetrics, { maxLength: 2 }) }, optional)
}
