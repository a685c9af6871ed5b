import { MAX_BUCKETS, MAX_EXEMPLARS } from '../limits.ts'
import {
  bool,
  double,
  each,
  enumeration,
  fixed64,
  many,
  one,
  optionalHex,
  sint32,
  string,
  uint32,
  varint,
} from './fields.ts'
import { type Message, message, type WriteField } from './message.ts'
import { member, type Parent, parent } from './parent.ts'
import { attributes } from './shapes.ts'

const EXEMPLAR = message(() => ({
  timeUnixNano: fixed64(0x11),
  asDouble: double(0x19),
  spanId: optionalHex(0x22),
  traceId: optionalHex(0x2a),
  asInt: fixed64(0x31, true),
  filteredAttributes: attributes(0x3a),
}))

const NUMBER_POINT = message(() => ({
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  asDouble: double(0x21),
  exemplars: many(0x2a, EXEMPLAR, MAX_EXEMPLARS),
  asInt: fixed64(0x31, true),
  attributes: attributes(0x3a),
  flags: uint32(0x40),
}))

const HISTOGRAM_POINT = message(() => ({
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  count: fixed64(0x21),
  sum: double(0x29),
  bucketCounts: each(fixed64(0x31), MAX_BUCKETS),
  explicitBounds: each(double(0x39), MAX_BUCKETS),
  exemplars: many(0x42, EXEMPLAR, MAX_EXEMPLARS),
  attributes: attributes(0x4a),
  flags: uint32(0x50),
  min: double(0x59),
  max: double(0x61),
}))

const BUCKETS = message(() => ({ offset: sint32(0x08), bucketCounts: each(varint(0x10, false), MAX_BUCKETS) }))

const EXPONENTIAL_HISTOGRAM_POINT = message(() => ({
  attributes: attributes(0x0a),
  startTimeUnixNano: fixed64(0x11),
  timeUnixNano: fixed64(0x19),
  count: fixed64(0x21),
  sum: double(0x29),
  scale: sint32(0x30),
  zeroCount: fixed64(0x39),
  positive: one(0x42, BUCKETS),
  negative: one(0x4a, BUCKETS),
  flags: uint32(0x50),
  exemplars: many(0x5a, EXEMPLAR, MAX_EXEMPLARS),
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
  quantileValues: many(0x32, VALUE_AT_QUANTILE, MAX_BUCKETS),
  attributes: attributes(0x3a),
  flags: uint32(0x40),
}))

const TEMPORALITY = enumeration(0x10, [
  'AGGREGATION_TEMPORALITY_UNSPECIFIED',
  'AGGREGATION_TEMPORALITY_DELTA',
  'AGGREGATION_TEMPORALITY_CUMULATIVE',
])

/** Gauge and Summary have only data points. */
function data(points: Message, fields: Readonly<Record<string, WriteField>> = {}): Parent {
  return parent(() => ({
    dataPoints: member.items(0x0a, points),
    ...Object.fromEntries(Object.entries(fields).map(([name, write]) => [name, member.field(write)])),
  }))
}

const GAUGE = data(NUMBER_POINT)
const SUM = data(NUMBER_POINT, { aggregationTemporality: TEMPORALITY, isMonotonic: bool(0x18) })
const HISTOGRAM = data(HISTOGRAM_POINT, { aggregationTemporality: TEMPORALITY })
const EXPONENTIAL_HISTOGRAM = data(EXPONENTIAL_HISTOGRAM_POINT, { aggregationTemporality: TEMPORALITY })
const SUMMARY = data(SUMMARY_POINT)

export const METRIC = parent(() => ({
  name: member.field(string(0x0a)),
  description: member.field(string(0x12)),
  unit: member.field(string(0x1a)),
  gauge: member.parent(0x2a, GAUGE),
  sum: member.parent(0x3a, SUM),
  histogram: member.parent(0x4a, HISTOGRAM),
  exponentialHistogram: member.parent(0x52, EXPONENTIAL_HISTOGRAM),
  summary: member.parent(0x5a, SUMMARY),
  metadata: member.field(attributes(0x62)),
}))
