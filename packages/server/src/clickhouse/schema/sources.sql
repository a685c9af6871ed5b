-- One row per distinct resource and scope, which all spans of one process and one library share.
-- The column order is the RowBinary order that otlp/ writes: change both together.
create table if not exists {db}.sources
(
  source_id               UInt64,                                   -- first 8 bytes of SHA-256 over the rest
  received                DateTime('UTC') codec(ZSTD(1)),           -- last seen, for retention
  service                 LowCardinality(String),
  resource_attrs          Map(LowCardinality(String), String) codec(ZSTD(1)),
  resource_attr_types     String codec(ZSTD(1)),                    -- type codes as in spans.attr_types
  resource_dropped_attrs  UInt32,
  resource_schema_url     LowCardinality(String),
  entity_refs             String codec(ZSTD(1)),                    -- OTLP/JSON array of EntityRef, '' = none
  scope_name              LowCardinality(String),
  scope_version           LowCardinality(String),
  scope_attrs             Map(LowCardinality(String), String) codec(ZSTD(1)),
  scope_attr_types        String codec(ZSTD(1)),
  scope_dropped_attrs     UInt32,
  scope_schema_url        LowCardinality(String)
)
engine = ReplacingMergeTree(received)
order by source_id
settings index_granularity = 512, non_replicated_deduplication_window = 5000
