-- Two rows per link, one under each end: either direction of any trace is one granule, whatever the
-- age of the other end and whichever arrived first. `spans` has no links. The column order is the
-- RowBinary order that otlp/ writes: change both together.
create table if not exists {db}.span_links
(
  -- The day of arrival: the partition needs no more, and it compresses to nothing.
  received        DateTime('UTC') codec(ZSTD(1)),
  trace_id        FixedString(16) codec(ZSTD(1)),                   -- 'out': the linking span's; 'in': the target's
  direction       Enum8('out' = 1, 'in' = 2) codec(ZSTD(1)),
  span_id         FixedString(8) codec(ZSTD(1)),
  peer_trace_id   FixedString(16) codec(ZSTD(1)),                   -- the other end's
  peer_span_id    FixedString(8) codec(NONE),                       -- random: no codec saves a byte
  ordinal         UInt32 codec(T64, ZSTD(1)),                       -- index among the linking span's links, from 0
  -- The linking span, so that a backlink is shown without reading `spans`. Rows are in the order of
  -- random ids, so T64 only removes the common upper bits of `start`: 5.9 bytes instead of 7.
  start           UInt64 codec(T64, ZSTD(1)),
  duration        Int64 codec(T64, ZSTD(1)),
  service         LowCardinality(String) codec(ZSTD(1)),
  name            LowCardinality(String) codec(ZSTD(1)),
  kind            Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5) codec(ZSTD(1)),
  status          Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
  -- The link itself.
  trace_state     String codec(ZSTD(1)),
  flags           UInt32 codec(ZSTD(1)),
  attrs           Map(LowCardinality(String), String) codec(ZSTD(1)),
  attr_types      LowCardinality(String) codec(ZSTD(1)),            -- type codes as in spans.attr_types
  dropped_attrs   UInt32 codec(ZSTD(1))
)
engine = MergeTree
partition by toDate(received)
order by (trace_id, direction, span_id, start)
-- Compact parts of any size: a read by id takes one granule of most columns, and opens one file
-- instead of all. A trace's links in 12 parts take 9 ms, 13 in wide parts. Days that ended or were
-- idle for an hour are merged into one part, so links of any age are one file per day.
settings index_granularity = 1024, min_compress_block_size = 8192, string_serialization_version = 'single_stream', ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000,
  min_bytes_for_wide_part = 1099511627776, min_rows_for_wide_part = 0, min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1
