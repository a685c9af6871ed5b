-- One row per log record. The column order is the RowBinary order that otlp/ writes: change both
-- together.
create table if not exists {db}.logs
(
  received         DateTime('UTC') codec(ZSTD(1)),
  -- Unix nanoseconds as sent, 0 when not known.
  time             UInt64 codec(Delta(8), ZSTD(1)),
  observed         UInt64 codec(Delta(8), ZSTD(1)),
  trace_id         FixedString(16) codec(ZSTD(1)),                  -- all zero = no trace
  span_id          FixedString(8) codec(ZSTD(1)),
  flags            UInt32 codec(ZSTD(1)),
  severity         UInt8 codec(ZSTD(1)),                            -- 1 to 24, 0 = none sent
  severity_text    LowCardinality(String),
  event_name       LowCardinality(String),                          -- '' = no event
  service          LowCardinality(String),                          -- resource's service.name, '' when absent
  source_id        UInt64 codec(ZSTD(1)),                           -- row of `sources`: resource and scope
  -- Text and type code of an AnyValue, as in spans.attrs and spans.attr_types.
  body             String codec(ZSTD(3)),
  body_type        LowCardinality(String),
  attrs            Map(LowCardinality(String), String) codec(ZSTD(1)),
  attr_types       LowCardinality(String),
  dropped_attrs    UInt32 codec(ZSTD(1)),
  -- Time, else observed time, else arrival: the order of lists.
  timestamp        UInt64 materialized if(time != 0, time, if(observed != 0, observed, toUnixTimestamp(received) * 1000000000)) codec(Delta(8), ZSTD(1)),
  -- A trace's records are adjacent in a few granules: a false positive in 1,000 is cheap.
  index trace_ids trace_id type bloom_filter(0.001) granularity 1
)
engine = MergeTree
partition by toDate(received)
order by (intDiv(timestamp, 600000000000), service, timestamp)
settings index_granularity = 2048, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000,
  -- See trace_rows.sql.
  enable_block_number_column = 1, enable_block_offset_column = 1
