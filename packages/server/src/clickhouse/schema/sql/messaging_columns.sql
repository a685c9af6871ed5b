-- For rows that come without these columns: written by statements, or before there were any. The
-- store writes them itself. Written by messagingColumns() of query/messaging/messaging-sql.ts: a
-- new name of the conventions goes into the table of insert/messaging/semconv.ts, and this
-- statement into a new schema version. Attributes stay as they were sent.
alter table {db}.spans
  modify column messaging_operation Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5) default
    if(kind in ('client', 'producer', 'consumer'), transform(lower(attrs['messaging.operation.type']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(attrs['messaging.operation']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(attrs['messaging.operation.name']), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(if(multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']) = '', '', substringIndex(name, ' ', 1))), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      transform(lower(if(multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']) = '', '', substringIndex(name, ' ', -1))), ['create', 'send', 'publish', 'receive', 'poll', 'process', 'deliver', 'consume', 'settle', 'commit', 'ack'], ['create', 'send', 'send', 'receive', 'receive', 'process', 'process', 'process', 'settle', 'settle', 'settle'],
      multiIf(kind = 'producer', 'send', kind = 'consumer', 'process', 'none')))))), 'none'),
  modify column messaging_system LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.system.name'] != '', attrs['messaging.system.name'], attrs['messaging.system']), ''),
  modify column topic LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.destination.name'] != '', attrs['messaging.destination.name'], attrs['messaging.source.name'] != '', attrs['messaging.source.name'], attrs['messaging.destination'] != '', attrs['messaging.destination'], attrs['kafka.topic'] != '', attrs['kafka.topic'], attrs['rabbitmq.destination.routing_key'] != '', attrs['rabbitmq.destination.routing_key'], attrs['messaging.rabbitmq.destination.routing_key'] != '', attrs['messaging.rabbitmq.destination.routing_key'], attrs['messaging.rabbitmq.routing_key']), ''),
  modify column partition LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.destination.partition.id'] != '', attrs['messaging.destination.partition.id'], attrs['messaging.kafka.destination.partition'] != '', attrs['messaging.kafka.destination.partition'], attrs['messaging.kafka.source.partition'] != '', attrs['messaging.kafka.source.partition'], attrs['messaging.kafka.partition']), ''),
  modify column consumer_group LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['messaging.consumer.group.name'] != '', attrs['messaging.consumer.group.name'], attrs['messaging.kafka.consumer.group'] != '', attrs['messaging.kafka.consumer.group'], attrs['messaging.kafka.consumer_group'] != '', attrs['messaging.kafka.consumer_group'], attrs['messaging.eventhubs.consumer.group'] != '', attrs['messaging.eventhubs.consumer.group'], attrs['messaging.rocketmq.client_group'] != '', attrs['messaging.rocketmq.client_group'], attrs['messaging.destination.subscription.name']), ''),
  modify column message_offset Int64 default
    toInt64OrDefault(if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['kafka.offset'] != '', attrs['kafka.offset'], attrs['messaging.kafka.offset'] != '', attrs['messaging.kafka.offset'], attrs['messaging.kafka.message.offset']), ''), toInt64(-1)),
  modify column cluster LowCardinality(String) default
    if(kind in ('client', 'producer', 'consumer'), multiIf(attrs['kafka.cluster.id'] != '', attrs['kafka.cluster.id'], attrs['messaging.kafka.cluster.id']), '')
