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
    while (reader.pos < end) {
      const at = reader.pos
      const tag = reader.varint()
      if (tag === 0x11) this.startAt = reader.skipFixed64()
      else if (tag === 0x19) this.timeAt = reader.skipFixed64()
      else if (type === METRIC_TYPE.histogram) this.#histogram(reader, tag, at, end)
      else if (type === METRIC_TYPE.exponentialHistogram) this.#exponential(reader, tag, at, end)
      else if (type === METRIC_TYPE.summary) this.#summary(reader, tag, end)
      else this.#number(reader, tag, at, end)
    }
    reader.endMessage(end)
  }

  #number(reader: WireReader, tag: number, at: number, end: number): void {
    switch (tag) {
      case 0x21:
        this.doubleAt = reader.skipFixed64()
        this.intAt = -1
        break
      case 0x2a:
        this.#exemplar(reader, tag, at, end)
        break
      case 0x31:
        this.intAt = reader.skipFixed64()
        this.doubleAt = -1
        break
      case 0x3a:
        this.#attribute(reader, end)
        break
      case 0x40:
        this.flags = reader.varint()
        break
      default:
        reader.skip(tag, end)
    }
  }

  #histogram(reader: WireReader, tag: number, at: number, end: number): void {
    switch (tag) {
      case 0x21:
        this.countAt = reader.skipFixed64()
        break
      case 0x29:
        this.sumAt = reader.skipFixed64()
        break
      case 0x31:
        this.buckets.fixed(reader, end)
        break
      case 0x32:
        this.buckets.packed(reader, end)
        break
      case 0x39:
        this.bounds.fixed(reader, end)
        break
      case 0x3a:
        this.bounds.packed(reader, end)
        break
      case 0x42:
        this.#exemplar(reader, tag, at, end)
        break
      case 0x4a:
        this.#attribute(reader, end)
        break
      case 0x50:
        this.flags = reader.varint()
        break
      case 0x59:
        this.minAt = reader.skipFixed64()
        break
      case 0x61:
        this.maxAt = reader.skipFixed64()
        break
      default:
        reader.skip(tag, end)
    }
  }

  #exponential(reader: WireReader, tag: number, at: number, end: number): void {
    switch (tag) {
      case 0x0a:
        this.#attribute(reader, end)
        break
      case 0x21:
        this.countAt = reader.skipFixed64()
        break
      case 0x29:
        this.sumAt = reader.skipFixed64()
        break
      case 0x30:
        this.scale = decodeZigzag(reader.varint())
        break
      case 0x39:
        this.zeroCountAt = reader.skipFixed64()
        break
      case 0x42:
        this.positive.read(reader, end)
        break
      case 0x4a:
        this.negative.read(reader, end)
        break
      case 0x50:
        this.flags = reader.varint()
        break
      case 0x5a:
        this.#exemplar(reader, tag, at, end)
        break
      case 0x61:
        this.minAt = reader.skipFixed64()
        break
      case 0x69:
        this.maxAt = reader.skipFixed64()
        break
      case 0x71:
        this.zeroThresholdAt = reader.skipFixed64()
        break
      default:
        reader.skip(tag, end)
    }
  }

  #summary(reader: WireReader, tag: number, end: number): void {
    switch (tag) {
      case 0x21:
        this.countAt = reader.skipFixed64()
        break
      case 0x29:
        this.sumAt = reader.skipFixed64()
        break
      case 0x32:
        this.#quantile(reader, end)
        break
      case 0x3a:
        this.#attribute(reader, end)
        break
      case 0x40:
        this.flags = reader.varint()
        break
      default:
        reader.skip(tag, end)
    }
  }

  /** ValueAtQuantile: 1 quantile (0x09), 2 value (0x11). */
  #quantile(reader: WireReader, outerEnd: number): void {
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

  #attribute(reader: WireReader, end: number): void {
    this.attributes.read(reader, reader.readEnd(end))
  }

  #exemplar(reader: WireReader, tag: number, at: number, end: number): void {
    if (this.exemplarCount++ === 0) this.exemplarsAt = at
    this.exemplarTag = tag
    reader.pos = reader.readEnd(end)
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
