-- Everything of a trace under its trace id: its spans, and the links to them from other spans. One
-- statement with few columns reads all of it: a statement costs 1.8 ms and a column 0.25 ms, while
-- reading some kilobytes costs next to nothing. The payload is decoded by query/trace-rows.
create table if not exists {db}.trace_rows
(
  -- The day of arrival: the partition needs no more, and it compresses to nothing.
  received  DateTime('UTC') codec(ZSTD(1)),
  trace_id  FixedString(16) codec(ZSTD(1)),
  type      Enum8('span' = 1, 'backlink' = 2) codec(ZSTD(1)),
  span_id   FixedString(8) codec(NONE),                             -- random: no codec saves a byte
  -- What many spans have in common, so that it is stored and decoded once. Of a span: version,
  -- kind and status (a byte each), service, name, source id, keys and types of its attributes, and
  -- cluster of its resource; of a backlink: version, then kind, status, service and name of the
  -- linking span, keys and types of the link's attributes, keys of the linking span's messaging
  -- attributes and, if it has any, cluster of its resource.
  shape     String codec(ZSTD(3)),
  -- With `shape`, what the waterfall needs. Offsets, from 0, of a span: 0 parent span id, 8 start,
  -- 16 duration, 24 number and times of events (at most 500), last 4 number of links; of a
  -- backlink: 0 trace id and 16 span id of the linking span, 24 start and 32 duration of it, 40
  -- index of the link among its links.
  head      String codec(ZSTD(3)),
  -- The rest. Of a span, the values of its attributes, then the fields from `status_message` to
  -- `links` (insert/span-fields.ts); of a backlink: trace state, flags, values of the link's
  -- attributes, number of dropped ones, values of the linking span's messaging attributes. All in
  -- RowBinary.
  body      String codec(ZSTD(3))
)
engine = MergeTree
partition by toDate(received)
order by (trace_id, type, span_id)
-- Days that ended or were idle for an hour are merged into one part. Compact parts, whatever their
-- size: a trace in 6 of them takes 2.8 ms instead of 5.5, for 11 B/span more. `shape` is no
-- LowCardinality there, because each granule would have a dictionary of its own. With granules of
-- 256 rows, 200 traces in 12 parts take 54 instead of 73 ms, but a trace of 1,000 spans 32 instead
-- of 18, because each block repeats its shapes.
settings min_bytes_for_wide_part = 1000000000000000, min_rows_for_wide_part = 1000000000000, index_granularity = 512, min_compress_block_size = 65536, string_serialization_version = 'single_stream', ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000,
  min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1, merge_selector_base = 10,
  -- For deletes by patch parts (docs/adr/0038-delete-by-patch-parts.md); 3.2 B/span.
  enable_block_number_column = 1, enable_block_offset_column = 1
