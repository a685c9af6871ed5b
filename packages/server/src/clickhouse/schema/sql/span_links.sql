-- Two rows a link, one filed under each end, so either direction of any trace is one granule
-- whatever the age of the other end and whichever arrived first. The only home of links: `spans`
-- has none. The column order is the RowBinary order that otlp/ writes: change both together.
create table if not exists {db}.span_links
(
  received        DateTime('UTC') codec(ZSTD(1)),
  trace_id        FixedString(16) codec(ZSTD(1)),                   -- 'out': the carrying span's; 'in': the target's
  direction       Enum8('out' = 1, 'in' = 2) codec(ZSTD(1)),
  span_id         FixedString(8) codec(ZSTD(1)),
  peer_trace_id   FixedString(16) codec(ZSTD(1)),                   -- the other end's
  peer_span_id    FixedString(8) codec(NONE),
  ordinal         UInt32 codec(T64, ZSTD(1)),                       -- place among the carrying span's links, from 0
  -- The carrying span, so that a backlink can be shown without reading `spans`.
  start           UInt64 codec(Delta(8), ZSTD(1)),
  duration        Int64 codec(T64, ZSTD(1)),
  service         LowCardinality(String) codec(ZSTD(1)),
  name            LowCardinality(String) codec(ZSTD(1)),
  kind            Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5) codec(ZSTD(1)),
  status          Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
  -- The link itself.
  trace_state     String codec(ZSTD(1)),
  flags           UInt32 codec(ZSTD(1)),
  attrs           Map(LowCardinality(String), String) codec(ZSTD(1)),
  attr_types      LowCardinality(String) codec(ZSTD(1)),
  dropped_attrs   UInt32 codec(ZSTD(1))
)
engine = MergeTree
partition by toDate(received)
order by (trace_id, direction, span_id, start)
settings index_granularity = 1024, min_compress_block_size = 8192, string_serialization_version = 'single_stream', ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
