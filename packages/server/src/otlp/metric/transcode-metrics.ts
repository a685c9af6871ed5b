import { EnvelopeState, type ItemReader, readEnvelope, copyRows } from '../wire/envelope.ts'
import { MetricFields, type MetricType } from './metric.ts'
import { PointFields } from './metric-point.ts'
import { findPointRejection, writePoint, writeSeries } from './metric-row.ts'
import { Rejections } from '../rejections.ts'
import { RowWriter } from '../row-writer.ts'
import type { MetricRows } from '../rows.ts'
import type { Source } from '../wire/source.ts'
import { runSteps, SLICE_BYTES, type Steps } from '../steps.ts'
import { WireReader } from '../wire/wire-reader.ts'

class MetricState extends EnvelopeState {
  readonly points = new RowWriter()
  readonly series = new RowWriter()
  readonly metric = new MetricFields()

  override reset(): void {
    super.reset()
    this.points.reset()
    this.series.reset()
  }
}

let idle: MetricState | undefined
const point = new PointFields()

/** Runs `transcodeMetricsInSteps` without pausing. */
export function transcodeMetrics(body: Uint8Array, receivedUnixSeconds: number): MetricRows {
  return runSteps(transcodeMetricsInSteps(body, receivedUnixSeconds))
}

/**
 * Converts an ExportMetricsServiceRequest (or MetricsData, which has the same bytes) to rows.
 * Contradictory points and points beyond the limits are counted and rejected individually; any
 * other error rejects the request.
 *
 * @param receivedUnixSeconds value of the column `received` of every row
 * @throws OtlpError when the bytes are no such message, or its rows become too large
 */
export function* transcodeMetricsInSteps(
  body: Uint8Array,
  receivedUnixSeconds: number,
  rejections = new Rejections('point'),
): Steps<MetricRows> {
  const state = idle ?? new MetricState()
  idle = undefined
  try {
    const items = new MetricReader(receivedUnixSeconds, state, rejections)
    const sourceCount = yield* readEnvelope(new WireReader(body), state, receivedUnixSeconds, items)
    const [sources, series, points] = yield* copyRows(state.sources, state.series, state.points)
    return {
      receivedUnixSeconds,
      sources,
      sourceCount,
      series,
      seriesCount: items.seriesIds.size,
      points,
      pointCount: items.pointCount,
      rejectedPoints: rejections.count,
      rejectReason: rejections.describe(),
    }
  } finally {
    state.reset()
    idle = state
  }
}

/** Extra cost of a point in bytes of the slice budget: its series needs a digest. */
const POINT_COST = 512

class MetricReader implements ItemReader {
  readonly seriesIds = new Map<string, DataView>()
  readonly #received: number
  readonly #points: RowWriter
  readonly #series: RowWriter
  readonly #metric: MetricFields
  readonly #rejections: Rejections
  pointCount = 0

  constructor(received: number, { points, series, metric }: MetricState, rejections: Rejections) {
    this.#received = received
    this.#points = points
    this.#series = series
    this.#metric = metric
    this.#rejections = rejections
  }

  rowBytes(): number {
    return this.#points.pos + this.#series.pos
  }

  *readItem(reader: WireReader, source: Source, end: number): Steps<void> {
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
    const length = reader.length(metricEnd)
    const end = reader.pos + length
    const cost = POINT_COST + this.#metric.sizeBytes() + source.service.byteLength
    let stop = reader.pos + SLICE_BYTES
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) {
        const pointLength = reader.length(end)
        const pointEnd = reader.pos + pointLength
        this.#readPoint(reader, source, type, pointEnd)
        reader.pos = pointEnd
        stop -= cost
      } else reader.skip(tag, end)
      if (reader.pos < stop) continue
      yield this.rowBytes()
      stop = reader.pos + SLICE_BYTES
    }
  }

  #readPoint(reader: WireReader, source: Source, type: MetricType, end: number): void {
    const seriesAt = this.#series.pos
    const seriesCount = this.seriesIds.size
    const pointsAt = this.#points.pos
    let rejection: string
    try {
      rejection = this.#takePoint(reader, source, type, end)
    } catch (error) {
      rejection = this.#rejections.fromError(error)
      // A complete series row stays: later points may belong to it.
      if (this.seriesIds.size === seriesCount) this.#series.pos = seriesAt
      this.#points.pos = pointsAt
    }
    if (rejection === '') this.pointCount++
    else this.#rejections.add(this.pointCount, rejection)
  }

  /** Returns why the point is rejected, or ''. */
  #takePoint(reader: WireReader, source: Source, type: MetricType, end: number): string {
    const exceeded = this.#rejections.findExceeded(source, this.pointCount, end - reader.pos)
    if (exceeded !== '') return exceeded
    if (this.#metric.rejection !== '') return this.#metric.rejection
    reader.nestedValues = 0
    point.read(reader, type, end)
    const rejection = findPointRejection(type, point)
    if (rejection !== '') return rejection
    const id = writeSeries(reader, this.#series, this.#received, source, this.#metric, point, this.seriesIds)
    const warning = writePoint(reader, this.#points, this.#received, id, point, end)
    if (warning !== '') this.#rejections.warn(this.pointCount, warning)
    return ''
  }
}
