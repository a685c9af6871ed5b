-- The bounds of every trace, to turn an id into the buckets of `spans`, and its root for lists.
-- Counts are not kept here: they are read from `spans` by key, so a span sent twice is still
-- counted once.
create table if not exists {db}.traces
(
  trace_id   FixedString(16) codec(ZSTD(1)),
  received   SimpleAggregateFunction(max, DateTime('UTC')) codec(ZSTD(1)),
  start      SimpleAggregateFunction(min, UInt64) codec(Delta(8), ZSTD(1)),
  -- Latest start of a span, which is what bounds the buckets (not the latest end).
  last_start SimpleAggregateFunction(max, UInt64) codec(Delta(8), ZSTD(1))
)
engine = AggregatingMergeTree
partition by toDate(received)
order by trace_id
settings index_granularity = 512, min_compress_block_size = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000,
  allow_nullable_key = 0
