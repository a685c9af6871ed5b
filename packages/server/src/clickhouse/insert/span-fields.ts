import type { ColumnInfo } from './native/native-block.ts'

/**
 * Fields of a span's row in RowBinary, in the order that otlp/trace/span-row.ts writes. Journals
 * have such rows: a change makes them unreadable. `trace_rows` stores all fields, `spans` only
 * those that it has columns for.
 */
export const spanFields: readonly ColumnInfo[] = [
  { name: 'received', type: 'DateTime' },
  { name: 'trace_id', type: 'FixedString(16)' },
  { name: 'span_id', type: 'FixedString(8)' },
  { name: 'parent_span_id', type: 'FixedString(8)' },
  { name: 'start', type: 'UInt64' },
  { name: 'duration', type: 'Int64' },
  { name: 'kind', type: 'Enum8' },
  { name: 'status', type: 'Enum8' },
  { name: 'service', type: 'LowCardinality(String)' },
  { name: 'name', type: 'LowCardinality(String)' },
  { name: 'source_id', type: 'UInt64' },
  { name: 'attrs', type: 'Map(LowCardinality(String), String)' },
  { name: 'attr_types', type: 'LowCardinality(String)' },
  { name: 'status_message', type: 'String' },
  { name: 'trace_state', type: 'String' },
  { name: 'flags', type: 'UInt32' },
  { name: 'dropped_attrs', type: 'UInt32' },
  { name: 'dropped_events', type: 'UInt32' },
  { name: 'dropped_links', type: 'UInt32' },
  {
    name: 'events',
    type: `Array(Tuple(
      time UInt64,
      name LowCardinality(String),
      attrs Map(LowCardinality(String), String),
      attr_types LowCardinality(String),
      dropped_attrs UInt32))`,
  },
  {
    name: 'links',
    type: `Array(Tuple(
      trace_id FixedString(16),
      span_id FixedString(8),
      trace_state String,
      flags UInt32,
      attrs Map(LowCardinality(String), String),
      attr_types LowCardinality(String),
      dropped_attrs UInt32))`,
  },
  // That of the resource: the column has it for Kafka spans that name none.
  { name: 'cluster', type: 'LowCardinality(String)' },
]
