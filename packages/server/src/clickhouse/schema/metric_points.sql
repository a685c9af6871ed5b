-- One row per data point of any type. Columns that a type lacks are 0 or empty, which compresses to
-- nothing. The column order is the RowBinary order that otlp/ writes: change both together.
create table if not exists {db}.metric_points
(
  received         DateTime('UTC') codec(ZSTD(1)),
  series_id        UInt64 codec(ZSTD(1)),
  time             UInt64 codec(DoubleDelta, ZSTD(1)),              -- Unix nanoseconds, as sent
  start            UInt64 codec(DoubleDelta, ZSTD(1)),              -- 0 when not known
  flags            UInt32 codec(ZSTD(1)),                           -- bit 0: no recorded value
  -- Gauge and sum. For an int, `value` is the nearest double and `int_value` is exact.
  value_type       Enum8('none' = 0, 'double' = 1, 'int' = 2),
  value            Float64 codec(Gorilla, ZSTD(1)),
  int_value        Int64 codec(Delta(8), ZSTD(1)),
  -- Histogram, exponential histogram and summary.
  count            UInt64 codec(T64, ZSTD(1)),
  sum              Float64 codec(ZSTD(1)),
  min              Float64 codec(ZSTD(1)),
  max              Float64 codec(ZSTD(1)),
  present          UInt8 codec(ZSTD(1)),                            -- bits: 1 sum, 2 min, 4 max were sent
  bounds           Array(Float64) codec(ZSTD(1)),
  buckets          Array(UInt64) codec(ZSTD(1)),
  -- Exponential histogram.
  scale            Int32 codec(ZSTD(1)),
  zero_count       UInt64 codec(T64, ZSTD(1)),
  zero_threshold   Float64 codec(ZSTD(1)),
  positive_offset  Int32 codec(ZSTD(1)),
  positive         Array(UInt64) codec(ZSTD(1)),
  negative_offset  Int32 codec(ZSTD(1)),
  negative         Array(UInt64) codec(ZSTD(1)),
  -- Summary.
  quantiles        Array(Tuple(quantile Float64, value Float64)) codec(ZSTD(1)),
  exemplars        Array(Tuple(
                     time UInt64,
                     value_type Enum8('none' = 0, 'double' = 1, 'int' = 2),
                     value Float64,
                     int_value Int64,
                     trace_id FixedString(16),
                     span_id FixedString(8),
                     attrs Map(LowCardinality(String), String),
                     attr_types LowCardinality(String))) codec(ZSTD(1))
)
engine = MergeTree
partition by toDate(received)
order by (series_id, time)
settings index_granularity = 2048, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000
