import { readEnvelope, takeRows } from './envelope.ts'
import { MAX_METRIC_BYTES } from './limits.ts'
import { MetricFields, type MetricType } from './metric.ts'
import { PointFields } from './metric-point.ts'
import { pointRejection, writePoint, writeSeries } from './metric-row.ts'
import { Rejections } from './rejections.ts'
import { RowWriter } from './row-writer.ts'
import type { MetricRows } from './rows.ts'
import type { Source } from './source.ts'
import { WireReader } from './wire-reader.ts'

const points = new RowWriter()
const series = new RowWriter()
const sources = new RowWriter()
const metric = new MetricFields()
const point = new PointFields()

/**
 * Turns an ExportMetricsServiceRequest (or MetricsData: the same bytes) into rows. All or nothing, but for points that
 * contradict themselves, which are counted and left out one by one.
 *
 * @param receivedUnixSeconds what the column `received` of every row becomes
 * @throws OtlpError when the bytes are no such message, or become too much
 */
export function transcodeMetrics(body: Uint8Array, receivedUnixSeconds: number): MetricRows {
  points.reset()
  series.reset()
  sources.reset()
  const items = new MetricReader(receivedUnixSeconds)
  const sourceCount = readEnvelope(new WireReader(body), sources, receivedUnixSeconds, items)
  const [sourceBytes, seriesBytes, pointBytes] = takeRows(sources, series, points)
  return {
    receivedUnixSeconds,
    sources: sourceBytes,
    sourceCount,
    series: seriesBytes,
    seriesCount: items.seriesIds.size,
    points: pointBytes,
    pointCount: items.pointCount,
    rejectedPoints: items.rejections.count,
    rejectReason: items.rejections.reason,
  }
}

class MetricReader {
  readonly received: number
  readonly seriesIds = new Map<string, DataView>()
  pointCount = 0
  readonly rejections = new Rejections('point')

  constructor(received: number) {
    this.received = received
  }

  readItem(reader: WireReader, source: Source, end: number): void {
    metric.read(reader, end)
    const { type, dataTag } = metric
    if (type === 0) return
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === dataTag) this.#readData(reader, source, type, end)
      else reader.skip(tag, end)
    }
  }

  #readData(reader: WireReader, source: Source, type: MetricType, metricEnd: number): void {
    const length = reader.length(metricEnd)
    const end = reader.pos + length
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag !== 0x0a) {
        reader.skip(tag, end)
        continue
      }
      const pointLength = reader.length(end)
      const pointEnd = reader.pos + pointLength
      this.#readPoint(reader, source, type, pointEnd)
      reader.pos = pointEnd
    }
  }

  #readPoint(reader: WireReader, source: Source, type: MetricType, end: number): void {
    const seriesAt = series.pos
    const seriesCount = this.seriesIds.size
    const pointsAt = points.pos
    let rejection: string
    try {
      rejection = this.#takePoint(reader, source, type, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      // A series that is written whole stays: later points may be of it.
      if (this.seriesIds.size === seriesCount) series.pos = seriesAt
      points.pos = pointsAt
    }
    if (rejection === '') this.pointCount++
    else this.rejections.add(this.pointCount, rejection)
  }

  /** Returns why it is rejected, or ''. */
  #takePoint(reader: WireReader, source: Source, type: MetricType, end: number): string {
    const exceeded = this.rejections.findExceeded(source, this.pointCount, end - reader.pos)
    if (exceeded !== '') return exceeded
    if (metric.sizeBytes() > MAX_METRIC_BYTES)
      return `its metric has more than ${MAX_METRIC_BYTES} bytes without points`
    point.read(reader, type, end)
    const rejection = pointRejection(type, point)
    if (rejection !== '') return rejection
    const id = writeSeries(reader, series, this.received, source, metric, point, this.seriesIds)
    writePoint(reader, points, this.received, id, point, end)
    return ''
  }
}
