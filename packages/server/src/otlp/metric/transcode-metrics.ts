import { createTranscoder, ItemReader } from '../wire/envelope.ts'
import { MetricFields, type MetricType } from './metric.ts'
import { PointFields } from './metric-point.ts'
import { findPointRejection, writePoint, writeSeries } from './metric-row.ts'
import type { Source } from '../wire/source.ts'
import { SLICE_BYTES, type Steps } from '../steps.ts'
import { WireReader } from '../wire/wire-reader.ts'

const point = new PointFields()

/** Extra cost of a point in bytes of the slice budget: its series needs a digest. */
const POINT_COST = 512

class MetricReader extends ItemReader {
  readonly #series = this.addTable('metric_series')
  readonly #points = this.addTable('metric_points')
  readonly #metric = new MetricFields()
  #seriesIds = new Map<string, DataView>()

  override reset(): void {
    super.reset()
    this.#seriesIds = new Map()
  }

  override *readItem(reader: WireReader, source: Source, end: number): Steps<void> {
    const metric = this.#metric
    yield* metric.read(reader, end)
    const { type, dataTag } = metric
    if (type === 0) return
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === dataTag) yield* this.#readData(reader, source, type, end)
      else reader.skip(tag, end)
    }
  }

  *#readData(reader: WireReader, source: Source, type: MetricType, metricEnd: number): Steps<void> {
    const end = reader.readEnd(metricEnd)
    const cost = POINT_COST + this.#metric.sizeBytes() + source.service.byteLength
    let stop = reader.pos + SLICE_BYTES
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) {
        const pointEnd = reader.readEnd(end)
        this.#readPoint(reader, source, type, pointEnd)
        reader.pos = pointEnd
        stop -= cost
      } else reader.skip(tag, end)
      if (reader.pos < stop) continue
      yield this.sumBytes()
      stop = reader.pos + SLICE_BYTES
    }
  }

  #readPoint(reader: WireReader, source: Source, type: MetricType, end: number): void {
    const seriesAt = this.#series.pos
    const seriesCount = this.#series.rows
    const pointsAt = this.#points.pos
    let rejection: string
    try {
      rejection = this.#takePoint(reader, source, type, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      // A complete series row stays: later points may belong to it.
      if (this.#series.rows === seriesCount) this.#series.pos = seriesAt
      this.#points.pos = pointsAt
    }
    if (rejection === '') this.#points.rows++
    else this.rejections.add(this.#points.rows, rejection)
  }

  /** Returns why the point is rejected, or ''. */
  #takePoint(reader: WireReader, source: Source, type: MetricType, end: number): string {
    const exceeded = this.rejections.findExceeded(source, this.#points.rows, end - reader.pos)
    if (exceeded !== '') return exceeded
    if (this.#metric.rejection !== '') return this.#metric.rejection
    reader.nestedValues = 0
    point.read(reader, type, end)
    const rejection = findPointRejection(type, point)
    if (rejection !== '') return rejection
    const id = writeSeries(reader, this.#series, this.received, source, this.#metric, point, this.#seriesIds)
    const warning = writePoint(reader, this.#points, this.received, id, point, end)
    if (warning !== '') this.rejections.warn(this.#points.rows, warning)
    return ''
  }
}

export const transcodeMetrics = createTranscoder('point', () => new MetricReader())
