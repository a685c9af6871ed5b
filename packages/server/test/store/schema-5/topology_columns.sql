-- Written by messagingColumns() of query/messaging/messaging-sql.ts: a new name of the conventions
-- goes into the table there, and this statement into a new schema version. Attributes stay as they
-- were sent.
alter table {db}.spans
  add column if not exists messaging_operation Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5) materialized
    if(kind in ('client', 'producer', 'consumer'), transform(lower(attrs['messaging.operation.type']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(attrs['messaging.operation']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(attrs['messaging.operation.name']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(if(multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']) = '', '', substringIndex(name, ' ', 1))), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(if(multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']) = '', '', substringIndex(name, ' ', -1))), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      multiIf(kind = 'producer', 'send', kind = 'consumer', 'process', 'none')))))), 'none'),
  add column if not exists messaging_system LowCardinality(String) materialized
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']), ''),
  add column if not exists topic LowCardinality(String) materialized
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.destination.name'] != '', attrs['messaging.destination.name'], attrs['messaging.source.name'] != '', attrs['messaging.source.name'], attrs['messaging.destination']), ''),
  add column if not exists partition LowCardinality(String) materialized
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.destination.partition.id'] != '', attrs['messaging.destination.partition.id'], attrs['messaging.kafka.destination.partition'] != '', attrs['messaging.kafka.destination.partition'], attrs['messaging.kafka.source.partition'] != '', attrs['messaging.kafka.source.partition'], attrs['messaging.kafka.partition']), ''),
  add column if not exists consumer_group LowCardinality(String) materialized
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.consumer.group.name'] != '', attrs['messaging.consumer.group.name'], attrs['messaging.kafka.consumer.group'] != '', attrs['messaging.kafka.consumer.group'], attrs['messaging.kafka.consumer_group'] != '', attrs['messaging.kafka.consumer_group'], attrs['messaging.eventhubs.consumer.group'] != '', attrs['messaging.eventhubs.consumer.group'], attrs['messaging.rocketmq.client_group'] != '', attrs['messaging.rocketmq.client_group'], attrs['messaging.destination.subscription.name']), ''),
  add column if not exists message_offset Int64 materialized
    toInt64OrDefault(if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['kafka.offset'] != '', attrs['kafka.offset'], attrs['messaging.kafka.offset'] != '', attrs['messaging.kafka.offset'], attrs['messaging.kafka.message.offset']), ''), toInt64(-1))
