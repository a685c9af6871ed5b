import {
  message,
  one,
  many,
  each,
  string,
  hex,
  bool,
  double,
  uint64,
  sint32,
  fixed64,
  sfixed64,
  uint32,
  enumeration,
  type Field,
  type MessageShape,
} from './json-fields.ts'
import { KEY_VALUE, request } from './json-shapes.ts'

const EXEMPLAR = message(() => ({
  timeUnixNano: fixed64(0x11),
  asDouble: double(0x19),
  spanId: hex(0x22),
  traceId: hex(0x2a),
  asInt: sfixed64(0x31),
  filteredAttributes: many(0x3a, KEY_VALUE),
}))

const NUMBER_POINT = message(() => ({
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  asDouble: double(0x21),
  exemplars: many(0x2a, EXEMPLAR),
  asInt: sfixed64(0x31),
  attributes: many(0x3a, KEY_VALUE),
  flags: uint32(0x40),
}))

const HISTOGRAM_POINT = message(() => ({
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  count: fixed64(0x21),
  sum: double(0x29),
  bucketCounts: each(fixed64(0x31)),
  explicitBounds: each(double(0x39)),
  exemplars: many(0x42, EXEMPLAR),
  attributes: many(0x4a, KEY_VALUE),
  flags: uint32(0x50),
  min: double(0x59),
  max: double(0x61),
}))

const BUCKETS = message(() => ({ offset: sint32(0x08), bucketCounts: each(uint64(0x10)) }))

const EXPONENTIAL_HISTOGRAM_POINT = message(() => ({
  attributes: many(0x0a, KEY_VALUE),
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  count: fixed64(0x21),
  sum: double(0x29),
  scale: sint32(0x30),
  zeroCount: fixed64(0x39),
  positive: one(0x42, BUCKETS),
  negative: one(0x4a, BUCKETS),
  flags: uint32(0x50),
  exemplars: many(0x5a, EXEMPLAR),
  min: double(0x61),
  max: double(0x69),
  zeroThreshold: double(0x71),
}))

const VALUE_AT_QUANTILE = message(() => ({ quantile: double(0x09), value: double(0x11) }))

const SUMMARY_POINT = message(() => ({
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  count: fixed64(0x21),
  sum: double(0x29),
  quantileValues: many(0x32, VALUE_AT_QUANTILE),
  attributes: many(0x3a, KEY_VALUE),
  flags: uint32(0x40),
}))

const TEMPORALITY = enumeration(0x10, [
  'AGGREGATION_TEMPORALITY_UNSPECIFIED',
  'AGGREGATION_TEMPORALITY_DELTA',
  'AGGREGATION_TEMPORALITY_CUMULATIVE',
])

/** Gauge and Summary have their points only. */
function data(points: MessageShape, more: Readonly<Record<string, Field>> = {}): MessageShape {
  return message(() => ({ dataPoints: many(0x0a, points), ...more }))
}

const METRIC = message(() => ({
  name: string(0x0a),
  description: string(0x12),
  unit: string(0x1a),
  gauge: one(0x2a, data(NUMBER_POINT)),
  sum: one(0x3a, data(NUMBER_POINT, { aggregationTemporality: TEMPORALITY, isMonotonic: bool(0x18) })),
  histogram: one(0x4a, data(HISTOGRAM_POINT, { aggregationTemporality: TEMPORALITY })),
  exponentialHistogram: one(0x52, data(EXPONENTIAL_HISTOGRAM_POINT, { aggregationTemporality: TEMPORALITY })),
  summary: one(0x5a, data(SUMMARY_POINT)),
  metadata: many(0x62, KEY_VALUE),
}))

export const EXPORT_METRICS_SERVICE_REQUEST = request('resourceMetrics', 'scopeMetrics', 'metrics', METRIC)
