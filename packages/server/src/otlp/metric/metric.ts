import { AttributeList } from '../wire/attribute-list.ts'
import { MAX_METRIC_BYTES } from '../limits.ts'
import { explainRejection } from '../rejections.ts'
import type { Steps } from '../steps.ts'
import { WireReader } from '../wire/wire-reader.ts'

/**
 * opentelemetry/proto/metrics/v1/metrics.proto, Metric. Its `data` is a oneof, so the last field on
 * the wire counts.
 *
 * | Metric        | tag  | | Metric (data)            | tag  | | Sum, Histogram, ExponentialHistogram | tag  |
 * |---------------|------|-|--------------------------|------|-|--------------------------------------|------|
 * | 1 name        | 0x0a | | 5 gauge                  | 0x2a | | 1 data_points, also Gauge, Summary   | 0x0a |
 * | 2 description | 0x12 | | 7 sum                    | 0x3a | | 2 aggregation_temporality            | 0x10 |
 * | 3 unit        | 0x1a | | 9 histogram              | 0x4a | | 3 is_monotonic, Sum only             | 0x18 |
 * | 12 metadata   | 0x62 | | 10 exponential_histogram | 0x52 | |                                      |      |
 * |               |      | | 11 summary               | 0x5a | |                                      |      |
 */
export const METRIC_TYPE = { gauge: 1, sum: 2, histogram: 3, exponentialHistogram: 4, summary: 5 } as const

export type MetricType = (typeof METRIC_TYPE)[keyof typeof METRIC_TYPE]

const LAST_TEMPORALITY = 2

/** Points skipped before yielding to the event loop, 4 ns each. */
const POINTS_AT_ONCE = 1_000_000

export class MetricFields {
  readonly metadata = new AttributeList()
  nameAt = 0
  nameLength = 0
  descriptionAt = 0
  descriptionLength = 0
  unitAt = 0
  unitLength = 0
  /** 0 when the metric has no data. */
  type: MetricType | 0 = 0
  /** Tag of the Metric field that holds the data. */
  dataTag = 0
  temporality = 0
  monotonic = false
  /** Why all its points are rejected, or ''. */
  rejection = ''

  /** Size of the fields that each series repeats. */
  sizeBytes(): number {
    return this.nameLength + this.descriptionLength + this.unitLength + this.metadata.sizeBytes()
  }

  /** Reads all fields except the points. The reader's position does not change. */
  *read(reader: WireReader, end: number): Steps<void> {
    const start = reader.pos
    this.metadata.clear()
    this.nameLength = 0
    this.descriptionLength = 0
    this.unitLength = 0
    this.type = 0
    this.dataTag = 0
    this.temporality = 0
    this.monotonic = false
    this.rejection = ''
    while (reader.pos < end) {
      const tag = reader.varint()
      switch (tag) {
        case 0x0a:
          this.nameLength = reader.length(end)
          this.nameAt = reader.pos
          reader.pos += this.nameLength
          break
        case 0x12:
          this.descriptionLength = reader.length(end)
          this.descriptionAt = reader.pos
          reader.pos += this.descriptionLength
          break
        case 0x1a:
          this.unitLength = reader.length(end)
          this.unitAt = reader.pos
          reader.pos += this.unitLength
          break
        case 0x62:
          this.#readMetadata(reader, reader.readEnd(end))
          break
        default: {
          const type = toMetricType(tag)
          if (type === 0) reader.skip(tag, end)
          else yield* this.#readData(reader, tag, type, end)
        }
      }
    }
    reader.endMessage(end)
    reader.pos = start
    if (this.sizeBytes() > MAX_METRIC_BYTES) {
      this.rejection = `its metric has more than ${MAX_METRIC_BYTES} bytes without points`
    }
  }

  #readMetadata(reader: WireReader, end: number): void {
    try {
      this.metadata.read(reader, end)
    } catch (error) {
      this.rejection = `metadata of its metric: ${explainRejection(error)}`
      reader.pos = end
    }
  }

  *#readData(reader: WireReader, dataTag: number, type: MetricType, end: number): Steps<void> {
    if (dataTag !== this.dataTag) {
      this.dataTag = dataTag
      this.type = type
      this.temporality = 0
      this.monotonic = false
    }
    const dataEnd = reader.readEnd(end)
    const accumulates = type !== METRIC_TYPE.gauge && type !== METRIC_TYPE.summary
    for (let fields = 1; reader.pos < dataEnd; fields++) {
      if (fields % POINTS_AT_ONCE === 0) yield 0
      const tag = reader.varint()
      if (tag === 0x10 && accumulates) {
        const temporality = reader.varint()
        this.temporality = temporality > LAST_TEMPORALITY ? 0 : temporality
      } else if (tag === 0x18 && type === METRIC_TYPE.sum) this.monotonic = reader.varint() !== 0
      else reader.skip(tag, dataEnd)
    }
    reader.endMessage(dataEnd)
  }
}

function toMetricType(tag: number): MetricType | 0 {
  switch (tag) {
    case 0x2a:
      return METRIC_TYPE.gauge
    case 0x3a:
      return METRIC_TYPE.sum
    case 0x4a:
      return METRIC_TYPE.histogram
    case 0x52:
      return METRIC_TYPE.exponentialHistogram
    case 0x5a:
      return METRIC_TYPE.summary
    default:
      return 0
  }
}
