import { hash } from 'node:crypto'
import { toDataView } from '../../runtime/copy-bytes.ts'
import { AttributeList } from '../wire/attribute-list.ts'
import { MAX_EXEMPLARS } from '../limits.ts'
import { describeDroppedId, writeId } from '../log/log-record.ts'
import { METRIC_TYPE, type MetricFields, type MetricType } from './metric.ts'
import type { PointFields } from './metric-point.ts'
import { RowWriter } from '../row-writer.ts'
import type { Source } from '../wire/source.ts'
import { WireReader } from '../wire/wire-reader.ts'

const filtered = new AttributeList()

/**
 * Appends the row of schema/metric_series.sql, unless `seen` has it already. The id is a digest of
 * the fields that identify a stream of points
 * (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#opentelemetry-protocol-data-model).
 * Attributes are sorted by key, because an exporter may reorder them.
 *
 * @returns the id, UInt64, little-endian
 */
export function writeSeries(
  reader: WireReader,
  writer: RowWriter,
  received: number,
  source: Source,
  metric: MetricFields,
  point: PointFields,
  seen: Map<string, DataView>,
): DataView {
  const row = writer.pos
  writer.zeros(8)
  writer.u32(received)
  const identity = writer.pos
  writer.copy(source.id, 0, 8)
  writer.copy(source.service, 0, source.service.byteLength)
  writer.string(reader.view, metric.nameAt, metric.nameLength)
  writer.u8(metric.type)
  writer.string(reader.view, metric.unitAt, metric.unitLength)
  writer.u8(metric.temporality)
  writer.u8(metric.monotonic ? 1 : 0)
  point.attributes.sort()
  point.attributes.write(writer)
  const digest = hash('sha256', writer.bytes.subarray(identity, writer.pos), 'buffer').subarray(0, 8)
  const key = digest.toString('latin1')
  const known = seen.get(key)
  if (known !== undefined) {
    writer.pos = row
    return known
  }
  const id = toDataView(digest)
  writer.bytes.set(digest, row)
  writer.string(reader.view, metric.descriptionAt, metric.descriptionLength)
  metric.metadata.write(writer)
  seen.set(key, id)
  writer.rows++
  return id
}

/** Returns why a point can't be stored, or ''. */
export function findPointRejection(type: MetricType, point: PointFields): string {
  if (point.exemplarCount > MAX_EXEMPLARS)
    return `has ${point.exemplarCount} exemplars; the maximum is ${MAX_EXEMPLARS}`
  if (type !== METRIC_TYPE.histogram) return ''
  const { length: buckets } = point.buckets
  const { length: bounds } = point.bounds
  if (buckets === bounds + 1 || (buckets === 0 && bounds === 0)) return ''
  return `${buckets} bucket counts do not fit ${bounds} bounds`
}

/** Appends the row of schema/metric_points.sql. Returns a warning about dropped parts, or ''. */
export function writePoint(
  reader: WireReader,
  writer: RowWriter,
  received: number,
  series: DataView,
  point: PointFields,
  end: number,
): string {
  writer.u32(received)
  writer.copy(series, 0, 8)
  writeFixed64(reader, writer, point.timeAt)
  writeFixed64(reader, writer, point.startAt)
  writer.u32(point.flags)
  writeValue(reader, writer, point.doubleAt, point.intAt)
  writeFixed64(reader, writer, point.countAt)
  writeFixed64(reader, writer, point.sumAt)
  writeFixed64(reader, writer, point.minAt)
  writeFixed64(reader, writer, point.maxAt)
  writer.u8((point.sumAt < 0 ? 0 : 1) | (point.minAt < 0 ? 0 : 2) | (point.maxAt < 0 ? 0 : 4))
  point.bounds.write(writer)
  point.buckets.write(writer)
  writer.u32(point.scale >>> 0)
  writeFixed64(reader, writer, point.zeroCountAt)
  writeFixed64(reader, writer, point.zeroThresholdAt)
  writer.u32(point.positive.offset >>> 0)
  point.positive.counts.write(writer)
  writer.u32(point.negative.offset >>> 0)
  point.negative.counts.write(writer)
  point.quantiles.write(writer, 2)
  writer.varint(point.exemplarCount)
  return point.exemplarCount > 0 ? writeExemplars(reader, writer, point, end) : ''
}

/**
 * | Exemplar                     | tag  | | Exemplar              | tag  |
 * |------------------------------|------|-|-----------------------|------|
 * | 2 time_unix_nano             | 0x11 | | 5 trace_id            | 0x2a |
 * | 3 as_double                  | 0x19 | | 6 as_int, sfixed64    | 0x31 |
 * | 4 span_id                    | 0x22 | | 7 filtered_attributes | 0x3a |
 */
function writeExemplars(reader: WireReader, writer: RowWriter, point: PointFields, pointEnd: number): string {
  let warning = ''
  reader.pos = point.exemplarsAt
  while (reader.pos < pointEnd) {
    const pointTag = reader.varint()
    if (pointTag !== point.exemplarTag) {
      reader.skip(pointTag, pointEnd)
      continue
    }
    const end = reader.readEnd(pointEnd)
    let timeAt = -1
    let doubleAt = -1
    let intAt = -1
    let spanIdAt = 0
    let spanIdLength = 0
    let traceIdAt = 0
    let traceIdLength = 0
    filtered.clear()
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x11) timeAt = reader.skipFixed64()
      else if (tag === 0x19) {
        doubleAt = reader.skipFixed64()
        intAt = -1
      } else if (tag === 0x22) {
        spanIdLength = reader.length(end)
        spanIdAt = reader.pos
        reader.pos += spanIdLength
      } else if (tag === 0x2a) {
        traceIdLength = reader.length(end)
        traceIdAt = reader.pos
        reader.pos += traceIdLength
      } else if (tag === 0x31) {
        intAt = reader.skipFixed64()
        doubleAt = -1
      } else if (tag === 0x3a) filtered.read(reader, reader.readEnd(end))
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
    writeFixed64(reader, writer, timeAt)
    writeValue(reader, writer, doubleAt, intAt)
    writeId(reader, writer, traceIdAt, traceIdLength, 16)
    writeId(reader, writer, spanIdAt, spanIdLength, 8)
    filtered.write(writer)
    warning ||= describeDroppedId('exemplar ', traceIdLength, spanIdLength)
    reader.pos = end
  }
  return warning
}

/** Writes the columns `value_type`, `value` and `int_value`. At most one value was sent. */
function writeValue(reader: WireReader, writer: RowWriter, doubleAt: number, intAt: number): void {
  writer.u8(doubleAt >= 0 ? 1 : intAt >= 0 ? 2 : 0)
  if (intAt < 0) {
    writeFixed64(reader, writer, doubleAt)
    writer.zeros(8)
    return
  }
  const { view } = reader
  writer.reserve(8)
  writer.view.setFloat64(writer.pos, view.getInt32(intAt + 4, true) * 2 ** 32 + view.getUint32(intAt, true), true)
  writer.pos += 8
  writer.copy(reader.view, intAt, 8)
}

/** Writes the 8 bytes at `at`, or zeros if they were not sent. */
function writeFixed64(reader: WireReader, writer: RowWriter, at: number): void {
  if (at < 0) writer.zeros(8)
  else writer.copy(reader.view, at, 8)
}
