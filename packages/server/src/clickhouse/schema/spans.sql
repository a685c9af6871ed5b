-- One row per span, for searches by time and value; trace_rows has the same spans by trace id, with
-- the fields of insert/span-fields.ts that no search reads: trace state, flags, numbers of dropped
-- items. Here, a trace state with a random value took 5.6 B/span, and merges 4 to 8 % more CPU.
create table if not exists {db}.spans
(
  -- Arrival time. Partitions and retention go by it, not by the span's own clock: a broken clock
  -- cannot create a partition per span, and an imported old trace isn't deleted at once.
  received        DateTime('UTC') codec(ZSTD(1)),
  trace_id        FixedString(16) codec(ZSTD(1)),
  span_id         FixedString(8) codec(NONE),                       -- random: no codec saves a byte
  parent_span_id  FixedString(8) codec(ZSTD(1)),                    -- all zero = no parent
  -- Unix nanoseconds as sent. UInt64, not DateTime64: every fixed64 of the wire is kept exactly.
  start           UInt64 codec(Delta(8), ZSTD(1)),
  duration        Int64 codec(ZSTD(1)),                             -- end - start, modulo 2^64: end is exact too
  kind            Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5) codec(ZSTD(1)),
  status          Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
  service         LowCardinality(String) codec(ZSTD(1)),            -- resource's service.name, '' when absent
  name            LowCardinality(String) codec(ZSTD(1)),
  source_id       UInt64 codec(ZSTD(1)),                            -- row of `sources`: resource and scope
  attrs           Map(LowCardinality(String), String) codec(ZSTD(1)),
  -- One type code per entry of attrs, in its order; '' when all are strings. s string, b bool,
  -- i int, d double, x bytes (base64), a array and k kvlist (OTLP/JSON of the AnyValue), n empty.
  attr_types      LowCardinality(String) codec(ZSTD(1)),
  status_message  String codec(ZSTD(1)),
  events          Array(Tuple(
                    time UInt64,
                    name LowCardinality(String),
                    attrs Map(LowCardinality(String), String),
                    attr_types LowCardinality(String))) codec(ZSTD(1)),
  -- Links to other spans, in the order sent; zeros for an empty id.
  links           Array(Tuple(
                    trace_id FixedString(16),
                    span_id FixedString(8),
                    attrs Map(LowCardinality(String), String),
                    attr_types LowCardinality(String))) codec(ZSTD(1)),
  -- Messaging attributes as columns: an hour of `attrs` is gigabytes, of these some bytes a span.
  -- The receiver fills them (insert/messaging); the defaults are for rows written by SQL. Its rows
  -- end with the cluster that the resource names, for Kafka spans that name none.
  -- messaging-sql.test.ts generates the defaults from the names in insert/messaging/semconv.ts.
  -- ZSTD alone: 1.9 B/span, 3.9 with LZ4; T64 and Delta hide the repetitions from it.
  messaging_operation Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5) default
    if(kind in ('client', 'producer', 'consumer'), transform(lower(attrs['messaging.operation.type']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(attrs['messaging.operation']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(attrs['messaging.operation.name']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(if(multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']) = '', '', substringIndex(name, ' ', 1))), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(if(multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']) = '', '', substringIndex(name, ' ', -1))), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      multiIf(kind = 'producer', 'send', kind = 'consumer', 'process', 'none')))))), 'none')
    codec(ZSTD(1)),
  messaging_system LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system'] != '', attrs['messaging.system'], attrs['kafka.topic'] != '', 'kafka', ''), '')
    codec(ZSTD(1)),
  topic LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.destination.name'] != '', attrs['messaging.destination.name'], attrs['messaging.source.name'] != '', attrs['messaging.source.name'], attrs['messaging.destination'] != '', attrs['messaging.destination'], attrs['kafka.topic'] != '', attrs['kafka.topic'], attrs['rabbitmq.destination.routing_key'] != '', attrs['rabbitmq.destination.routing_key'], attrs['messaging.rabbitmq.destination.routing_key'] != '', attrs['messaging.rabbitmq.destination.routing_key'], attrs['messaging.rabbitmq.routing_key']), '')
    codec(ZSTD(1)),
  partition LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.destination.partition.id'] != '', attrs['messaging.destination.partition.id'], attrs['messaging.kafka.destination.partition'] != '', attrs['messaging.kafka.destination.partition'], attrs['messaging.kafka.source.partition'] != '', attrs['messaging.kafka.source.partition'], attrs['messaging.kafka.partition']), '')
    codec(ZSTD(1)),
  consumer_group LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.consumer.group.name'] != '', attrs['messaging.consumer.group.name'], attrs['messaging.kafka.consumer.group'] != '', attrs['messaging.kafka.consumer.group'], attrs['messaging.kafka.consumer_group'] != '', attrs['messaging.kafka.consumer_group'], attrs['messaging.eventhubs.consumer.group'] != '', attrs['messaging.eventhubs.consumer.group'], attrs['messaging.rocketmq.client_group'] != '', attrs['messaging.rocketmq.client_group'], attrs['messaging.destination.subscription.name']), '')
    codec(ZSTD(1)),
  message_offset Int64 default
    toInt64OrDefault(if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['kafka.offset'] != '', attrs['kafka.offset'], attrs['messaging.kafka.offset'] != '', attrs['messaging.kafka.offset'], attrs['messaging.kafka.message.offset']), ''), toInt64(-1))
    codec(ZSTD(1)),
  cluster LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['kafka.cluster.id'] != '', attrs['kafka.cluster.id'], attrs['messaging.kafka.cluster.id']), '')
    codec(ZSTD(1)),
  -- Skip indexes are built by merges, except `attribute_values`: parts that never merged are small
  -- and new, but a value that is in none of 170,000 such spans took 55 ms. It takes 0.5 us a span.
  -- A search by a resource attribute looks up the sources that have it.
  index sources source_id type bloom_filter(0.01) granularity 1,
  -- For conditions on traces that are known, such as the candidates of a structural query.
  index trace_ids trace_id type bloom_filter(0.01) granularity 1,
  -- For lists of rare messages, such as dead letters. 0.07 B and 0.07 us of CPU per span.
  index topics topic type bloom_filter(0.01) granularity 1,
  -- For searches by an attribute value (traceql/sql/index-prefilter.ts). `attrs.values`: an index
  -- on mapValues(attrs) keeps ClickHouse from reading keys and values apart. 5.5 B/span; a value of
  -- 100 in 2M spans takes 40 ms of CPU, with granularity 8 (4.2 B) 129; inserts take as much.
  -- One value in 1,000 is a false positive.
  index attribute_values attrs.values type bloom_filter(0.001) granularity 1,
  -- An array or a double may equal a value that it isn't spelled as. An index of its own, because
  -- ClickHouse merges an index of several columns row by row: 1.5 us of CPU more per span.
  index attribute_types splitByString('', attr_types) type bloom_filter(0.001) granularity 1
)
engine = MergeTree
partition by toDate(received)
-- Buckets of two minutes keep a time search narrow; inside one, a search by service and name reads
-- only their rows. Of ten minutes, the newest of frequent values take four times as long and a span
-- 5 B more; of one minute, an hour of one service takes half as long again.
order by (intDiv(start, 120000000000), service, name, start)
-- single_stream and blocks of 16 KiB: docs/adr/0019-storage-for-lookups-by-id.md. With
-- merge_selector_base 10, not 5, a row is merged 1.0 times instead of 1.7 in 80 inserts, at 2 to
-- 3 us a time, for up to twice as many parts.
settings index_granularity = 1024, min_compress_block_size = 16384, string_serialization_version = 'single_stream', ttl_only_drop_parts = 1, non_replicated_deduplication_window = 5000, merge_selector_base = 10,
  -- See trace_rows.sql; 1 B/span.
  enable_block_number_column = 1, enable_block_offset_column = 1
