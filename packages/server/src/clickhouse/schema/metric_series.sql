-- One row per stream of points: source, metric, and the attributes that all its points share.
-- The column order is the RowBinary order that otlp/ writes: change both together.
create table if not exists {db}.metric_series
(
  series_id       UInt64,                                           -- first 8 bytes of SHA-256 over the identity
  received        DateTime('UTC') codec(ZSTD(1)),                   -- last seen, for retention
  -- The identity of a series (metrics data model, "Timeseries"), up to attr_types.
  source_id       UInt64 codec(ZSTD(1)),                            -- row of `sources`: resource and scope
  service         LowCardinality(String),
  name            LowCardinality(String),
  type            Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential-histogram' = 4, 'summary' = 5),
  unit            LowCardinality(String),
  temporality     Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2),
  monotonic       UInt8,
  attrs           Map(LowCardinality(String), String) codec(ZSTD(1)), -- sorted by key
  attr_types      LowCardinality(String),
  description     String codec(ZSTD(1)),
  metadata        Map(LowCardinality(String), String) codec(ZSTD(1)),
  metadata_types  LowCardinality(String)
)
engine = ReplacingMergeTree(received)
order by (name, series_id)
settings index_granularity = 1024, non_replicated_deduplication_window = 5000
