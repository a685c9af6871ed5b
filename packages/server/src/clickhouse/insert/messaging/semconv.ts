/** What a span does with a message; the index is the number in the tables' enum. */
export const messagingOperations = ['none', 'create', 'send', 'receive', 'process', 'settle'] as const

export type MessagingOperation = (typeof messagingOperations)[number]

/**
 * All attribute names of each field, in order of precedence, newest first. Attributes are stored as
 * they were sent; this table is used when they are read. docs/semconv.md explains it.
 *
 * | field     | versions                                                                                            |
 * |-----------|-----------------------------------------------------------------------------------------------------|
 * | system    | 1.45; until 1.44. Without either, Brave's tag of the topic implies Kafka                            |
 * | operation | 1.26; 1.17 to 1.25. The operation's free name (1.26) only where neither is set                      |
 * | topic     | 1.17; source of consumers 1.17 to 1.20; until 1.16; Brave's tag. RabbitMQ's default exchange has no |
 * |           | name: the routing key (1.45; 1.17; until 1.16) is the queue                                         |
 * | partition | 1.25 (string); int, of producers 1.17 to 1.24; of consumers 1.17 to 1.20; until 1.16                |
 * | offset    | 1.45; 1.27; until 1.26 (some write it as a string)                                                  |
 * | group     | 1.27; 1.17 to 1.26; until 1.16; then what other systems than Kafka called it                        |
 * | cluster   | 1.45; 1.41 to 1.44                                                                                  |
 * | key       | 1.45; 1.17 to 1.44; until 1.16; names without a system that some clients write                      |
 *
 * https://github.com/open-telemetry/semantic-conventions/tree/main/schemas has the renames in
 * machine-readable form.
 */
export const messagingNames = {
  system: ['messaging.system.name', 'messaging.system'],
  operation: ['messaging.operation.type', 'messaging.operation', 'messaging.operation.name'],
  topic: [
    'messaging.destination.name',
    'messaging.source.name',
    'messaging.destination',
    'kafka.topic',
    'rabbitmq.destination.routing_key',
    'messaging.rabbitmq.destination.routing_key',
    'messaging.rabbitmq.routing_key',
  ],
  partition: [
    'messaging.destination.partition.id',
    'messaging.kafka.destination.partition',
    'messaging.kafka.source.partition',
    'messaging.kafka.partition',
  ],
  offset: ['kafka.offset', 'messaging.kafka.offset', 'messaging.kafka.message.offset'],
  group: [
    'messaging.consumer.group.name',
    'messaging.kafka.consumer.group',
    'messaging.kafka.consumer_group',
    'messaging.eventhubs.consumer.group',
    'messaging.rocketmq.client_group',
    'messaging.destination.subscription.name',
  ],
  cluster: ['kafka.cluster.id', 'messaging.kafka.cluster.id'],
  key: ['kafka.message.key', 'messaging.kafka.message.key', 'messaging.kafka.message_key', 'messaging.message.key'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type MessagingField = keyof typeof messagingNames

/** Brave's tag. Its spans name no system: the tag implies Kafka. */
export const kafkaTopicName = 'kafka.topic' satisfies (typeof messagingNames.topic)[number]

/** Operation names, in attributes and as the first (since 1.27) or last word of span names. */
export const operationAliases: Readonly<Record<string, MessagingOperation>> = {
  create: 'create',
  send: 'send',
  publish: 'send', // until 1.27
  receive: 'receive',
  poll: 'receive', // messaging.operation.name
  process: 'process',
  deliver: 'process', // 1.23 and 1.24
  consume: 'process', // messaging.operation.name of some SDKs
  settle: 'settle',
  commit: 'settle', // messaging.operation.name
  ack: 'settle', // messaging.operation.name
}

/** The operation of a span kind, if neither an attribute nor the span name has one. */
export const operationByKind: Readonly<Record<string, MessagingOperation>> = { producer: 'send', consumer: 'process' }

/** Message count of a batch, as text. One name since 1.20. */
export const batchCountName = 'messaging.batch.message_count'

/** Every attribute name above: all that is read of a span that has to do with a message. */
export const messagingAttributeNames: readonly string[] = [...Object.values(messagingNames).flat(), batchCountName]

/** A link from a consuming to a producing operation is a message. */
export const producingOperations: ReadonlySet<string> = new Set<MessagingOperation>(['create', 'send'])
export const consumingOperations: ReadonlySet<string> = new Set<MessagingOperation>(['receive', 'process'])
