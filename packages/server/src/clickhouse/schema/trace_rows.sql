-- Everything of a trace under its trace id: its spans, and the links to them from other spans. One
-- statement with few columns reads all of it, because a statement costs 1.8 ms and a column 0.25 ms,
-- while reading some kilobytes costs next to nothing. The payload is decoded by query/trace-rows.
create table if not exists {db}.trace_rows
(
  -- The day of arrival: the partition needs no more, and it compresses to nothing.
  received  DateTime('UTC') codec(ZSTD(1)),
  trace_id  FixedString(16) codec(ZSTD(1)),
  type      Enum8('span' = 1, 'backlink' = 2) codec(ZSTD(1)),
  span_id   FixedString(8) codec(NONE),                             -- random: no codec saves a byte
  -- What the waterfall needs. Offsets, from 0, of a span: 0 version, 1 parent span id, 9 start,
  -- 17 duration, 25 kind, 26 status, 27 service, then name, source id, number and times of events
  -- (at most 500); the last four bytes are the number of links. Of a backlink: 0 version, 1 trace id
  -- and 17 span id of the linking span, 25 ordinal of the link, 29 start, 37 duration, 45 kind,
  -- 46 status, 47 service, then name of the linking span.
  head      String codec(ZSTD(1)),
  -- The rest. Of a span, the columns of schema/spans.sql from `attrs` on, as RowBinary, without the
  -- derived messaging columns; of a backlink, the link from `trace_state` on.
  body      String codec(ZSTD(1))
)
engine = MergeTree
partition by toDate(received)
order by (trace_id, type, span_id)
-- Compact parts of any size: a read by id opens one file. Days that ended or were idle for an hour
-- are merged into one part, so that a trace of any age is one file per day.
settings index_granularity = 512, min_compress_block_size = 65536, string_serialization_version = 'single_stream', ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000,
  min_bytes_for_wide_part = 1099511627776, min_rows_for_wide_part = 0, min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1, merge_selector_base = 10
