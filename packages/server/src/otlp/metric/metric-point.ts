import { AttributeList } from '../wire/attribute-list.ts'
import { METRIC_TYPE, type MetricType } from './metric.ts'
import { NumberList } from '../wire/number-list.ts'
import { WireReader } from '../wire/wire-reader.ts'

/**
 * The data points of metrics.proto. Gauges and sums use `NumberDataPoint`.
 *
 * | NumberDataPoint  | tag  | | HistogramDataPoint | tag        | | ExponentialHistogramDataPoint | tag  |
 * |------------------|------|-|--------------------|------------|-|-------------------------------|------|
 * | 2 start_time…    | 0x11 | | 2 start_time…      | 0x11       | | 1 attributes                  | 0x0a |
 * | 3 time_unix_nano | 0x19 | | 3 time_unix_nano   | 0x19       | | 2 start_time…                 | 0x11 |
 * | 4 as_double      | 0x21 | | 4 count, fixed64   | 0x21       | | 3 time_unix_nano              | 0x19 |
 * | 5 exemplars      | 0x2a | | 5 sum              | 0x29       | | 4 count, fixed64              | 0x21 |
 * | 6 as_int, fixed  | 0x31 | | 6 bucket_counts    | 0x32, 0x31 | | 5 sum                         | 0x29 |
 * | 7 attributes     | 0x3a | | 7 explicit_bounds  | 0x3a, 0x39 | | 6 scale, zigzag               | 0x30 |
 * | 8 flags          | 0x40 | | 8 exemplars        | 0x42       | | 7 zero_count, fixed64         | 0x39 |
 * |                  |      | | 9 attributes       | 0x4a       | | 8 positive                    | 0x42 |
 * | SummaryDataPoint | tag  | | 10 flags           | 0x50       | | 9 negative                    | 0x4a |
 * |------------------|------| | 11 min             | 0x59       | | 10 flags                      | 0x50 |
 * | 2, 3 as above    |      | | 12 max             | 0x61       | | 11 exemplars                  | 0x5a |
 * | 4 count, fixed64 | 0x21 |                                     | 12 min                        | 0x61 |
 * | 5 sum            | 0x29 |                                     | 13 max                        | 0x69 |
 * | 6 quantile_…     | 0x32 |                                     | 14 zero_threshold             | 0x71 |
 * | 7 attributes     | 0x3a |
 * | 8 flags          | 0x40 |
 *
 * Repeated numbers have two tags, packed and unpacked: proto3 decoders must accept both. A position
 * of -1 means that the field was not sent. One instance is reused for every point.
 */
export class PointFields {
  readonly attributes = new AttributeList()
  timeAt = -1
  startAt = -1
  doubleAt = -1
  intAt = -1
  countAt = -1
  sumAt = -1
  minAt = -1
  maxAt = -1
  flags = 0
  scale = 0
  zeroCountAt = -1
  zeroThresholdAt = -1
  readonly bounds = new NumberList()
  readonly buckets = new NumberList()
  readonly positive = new ExponentialBuckets()
  readonly negative = new ExponentialBuckets()
  /** Pairs of quantile and value. */
  readonly quantiles = new NumberList()
  /**
   * The tag of the exemplars field, and the position of the first one, or -1; later ones are found
   * by reading on.
   */
  exemplarTag = 0
  exemplarsAt = -1
  exemplarCount = 0

  read(reader: WireReader, type: MetricType, end: number): void {
    this.#clear()
    const fields = FIELDS[type]
    while (reader.pos < end) {
      const at = reader.pos
      const tag = reader.varint()
      const readField = fields[tag]
      if (readField === undefined) reader.skip(tag, end)
      else readField(this, reader, end, tag, at)
    }
    reader.endMessage(end)
  }

  /** ValueAtQuantile: 1 quantile (0x09), 2 value (0x11). */
  readQuantile(reader: WireReader, outerEnd: number): void {
    const end = reader.readEnd(outerEnd)
    let quantileAt = -1
    let valueAt = -1
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x09) quantileAt = reader.skipFixed64()
      else if (tag === 0x11) valueAt = reader.skipFixed64()
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
    this.quantiles.copy(reader, quantileAt)
    this.quantiles.copy(reader, valueAt)
  }

  #clear(): void {
    this.attributes.clear()
    this.timeAt = -1
    this.startAt = -1
    this.doubleAt = -1
    this.intAt = -1
    this.countAt = -1
    this.sumAt = -1
    this.minAt = -1
    this.maxAt = -1
    this.flags = 0
    this.scale = 0
    this.zeroCountAt = -1
    this.zeroThresholdAt = -1
    this.bounds.clear()
    this.buckets.clear()
    this.positive.clear()
    this.negative.clear()
    this.quantiles.clear()
    this.exemplarTag = 0
    this.exemplarsAt = -1
    this.exemplarCount = 0
  }
}

/**
 * Buckets: 1 offset, zigzag (0x08), 2 bucket_counts, varints, packed (0x12) or one by one (0x10).
 */
class ExponentialBuckets {
  offset = 0
  readonly counts = new NumberList()

  read(reader: WireReader, outerEnd: number): void {
    const end = reader.readEnd(outerEnd)
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x08) this.offset = decodeZigzag(reader.varint())
      else if (tag === 0x10) this.counts.varint(reader)
      else if (tag === 0x12) {
        const packedEnd = reader.readEnd(end)
        while (reader.pos < packedEnd) this.counts.varint(reader)
        reader.endMessage(packedEnd)
      } else reader.skip(tag, end)
    }
    reader.endMessage(end)
  }

  clear(): void {
    this.offset = 0
    this.counts.clear()
  }
}

function decodeZigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}

/** Reads the field behind its tag, which starts at `at`. */
type ReadField = (point: PointFields, reader: WireReader, end: number, tag: number, at: number) => void

const readAttribute: ReadField = (point, reader, end) => point.attributes.read(reader, reader.readEnd(end))
const readFlags: ReadField = (point, reader) => (point.flags = reader.varint())
const readCount: ReadField = (point, reader) => (point.countAt = reader.skipFixed64())
const readSum: ReadField = (point, reader) => (point.sumAt = reader.skipFixed64())
const readMin: ReadField = (point, reader) => (point.minAt = reader.skipFixed64())
const readMax: ReadField = (point, reader) => (point.maxAt = reader.skipFixed64())

const readExemplar: ReadField = (point, reader, end, tag, at) => {
  if (point.exemplarCount++ === 0) point.exemplarsAt = at
  point.exemplarTag = tag
  reader.pos = reader.readEnd(end)
}

const TIMES: Readonly<Record<number, ReadField>> = {
  0x11: (point, reader) => (point.startAt = reader.skipFixed64()),
  0x19: (point, reader) => (point.timeAt = reader.skipFixed64()),
}

const NUMBER_FIELDS: Readonly<Record<number, ReadField>> = {
  ...TIMES,
  0x21: (point, reader) => {
    point.doubleAt = reader.skipFixed64()
    point.intAt = -1
  },
  0x2a: readExemplar,
  0x31: (point, reader) => {
    point.intAt = reader.skipFixed64()
    point.doubleAt = -1
  },
  0x3a: readAttribute,
  0x40: readFlags,
}

/** The fields of each type by tag; others are skipped. */
const FIELDS: Readonly<Record<MetricType, Readonly<Record<number, ReadField>>>> = {
  [METRIC_TYPE.gauge]: NUMBER_FIELDS,
  [METRIC_TYPE.sum]: NUMBER_FIELDS,
  [METRIC_TYPE.histogram]: {
    ...TIMES,
    0x21: readCount,
    0x29: readSum,
    0x31: (point, reader, end) => point.buckets.fixed(reader, end),
    0x32: (point, reader, end) => point.buckets.packed(reader, end),
    0x39: (point, reader, end) => point.bounds.fixed(reader, end),
    0x3a: (point, reader, end) => point.bounds.packed(reader, end),
    0x42: readExemplar,
    0x4a: readAttribute,
    0x50: readFlags,
    0x59: readMin,
    0x61: readMax,
  },
  [METRIC_TYPE.exponentialHistogram]: {
    ...TIMES,
    0x0a: readAttribute,
    0x21: readCount,
    0x29: readSum,
    0x30: (point, reader) => (point.scale = decodeZigzag(reader.varint())),
    0x39: (point, reader) => (point.zeroCountAt = reader.skipFixed64()),
    0x42: (point, reader, end) => point.positive.read(reader, end),
    0x4a: (point, reader, end) => point.negative.read(reader, end),
    0x50: readFlags,
    0x5a: readExemplar,
    0x61: readMin,
    0x69: readMax,
    0x71: (point, reader) => (point.zeroThresholdAt = reader.skipFixed64()),
  },
  [METRIC_TYPE.summary]: {
    ...TIMES,
    0x21: readCount,
    0x29: readSum,
    0x32: (point, reader, end) => point.readQuantile(reader, end),
    0x3a: readAttribute,
    0x40: readFlags,
  },
}
