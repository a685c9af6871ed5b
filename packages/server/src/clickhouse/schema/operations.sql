-- The services, operations and kinds that occur, for pickers: thousands of rows at any volume.
-- The column order is that of insert/operations.ts.
create table if not exists {db}.operations
(
  service    LowCardinality(String),
  name       LowCardinality(String),
  kind       Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5),
  received   SimpleAggregateFunction(max, DateTime('UTC'))           -- last seen, for retention
)
engine = AggregatingMergeTree
order by (service, name, kind)
settings non_replicated_deduplication_window = 5000
