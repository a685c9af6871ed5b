-- One row a span. The column order is the RowBinary order that otlp/ writes: change both together.
create table if not exists {db}.spans
(
  -- When the receiver took it. Partition and retention go by arrival, not by the span's own clock:
  -- a hostile or broken clock can then not create a partition per span, and an imported old trace
  -- isn't deleted at once.
  received        DateTime('UTC') codec(ZSTD(1)),
  trace_id        FixedString(16) codec(ZSTD(1)),
  span_id         FixedString(8) codec(NONE),                       -- random: no codec gains a byte on it
  parent_span_id  FixedString(8) codec(ZSTD(1)),                    -- all zero = no parent
  -- Unix nanoseconds as sent. UInt64, not DateTime64: every fixed64 of the wire is kept exactly.
  start           UInt64 codec(Delta(8), ZSTD(1)),
  duration        Int64 codec(T64, ZSTD(1)),                        -- end - start, modulo 2^64: end is exact too
  kind            Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5) codec(ZSTD(1)),
  status          Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
  service         LowCardinality(String) codec(ZSTD(1)),            -- resource's service.name, '' when absent
  name            LowCardinality(String) codec(ZSTD(1)),
  source_id       UInt64 codec(ZSTD(1)),                            -- row of `sources`: resource and scope
  attrs           Map(LowCardinality(String), String) codec(ZSTD(1)),
  -- One letter per entry of attrs, in its order; '' when all are strings. s string, b bool, i int,
  -- d double, x bytes (base64), a array and k kvlist (OTLP/JSON of the AnyValue), n empty.
  -- Lossless, and compresses to nothing.
  attr_types      LowCardinality(String) codec(ZSTD(1)),
  status_message  String codec(ZSTD(1)),
  trace_state     String codec(ZSTD(1)),
  flags           UInt32 codec(ZSTD(1)),
  dropped_attrs   UInt32 codec(ZSTD(1)),
  dropped_events  UInt32 codec(ZSTD(1)),
  dropped_links   UInt32 codec(ZSTD(1)),
  events          Array(Tuple(
                    time UInt64,
                    name LowCardinality(String),
                    attrs Map(LowCardinality(String), String),
                    attr_types LowCardinality(String),
                    dropped_attrs UInt32)) codec(ZSTD(1))
)
engine = MergeTree
partition by toDate(received)
-- Ten-minute buckets keep a time search narrow; inside one, a trace's spans lie side by side, so a
-- trace is one granule and its ids compress to little. The bounds that name the bucket come from
-- `traces`.
order by (intDiv(start, 600000000000), trace_id, start)
-- Lengths beside their strings: 6 B/span less than in a stream of their own, which only reads of
-- lengths alone gain by. A granule of a narrow column is a fraction of the 64 KiB that a block has
-- by default, and is unpacked with all of it: see docs/adr/0019-storage-for-lookups-by-id.md.
settings index_granularity = 1024, min_compress_block_size = 16384, string_serialization_version = 'single_stream', ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
