-- Defaults follow in messaging_columns.sql, for directories too that have the columns already.
alter table {db}.spans
  add column if not exists messaging_operation Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5),
  add column if not exists messaging_system LowCardinality(String),
  add column if not exists topic LowCardinality(String),
  add column if not exists partition LowCardinality(String),
  add column if not exists consumer_group LowCardinality(String),
  add column if not exists message_offset Int64,
  add column if not exists cluster LowCardinality(String)
