/** Broker properties of a single-node cluster, for both JVM and container. */
export const SINGLE_NODE = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  // The default waits 3 s for more members before a group's first assignment.
  'group.initial.rebalance.delay.ms': '0',
  // A single voter need not wait for more appends.
  'controller.quorum.append.linger.ms': '0',
  // By default the log cleaner allocates 128 MB at start, for compacted topics that tests do not
  // keep.
  'log.cleaner.dedupe.buffer.size': '4194304',
} as const

/** Logged once every listener accepts requests, so clients need not poll. */
export const STARTED = /Kafka Server started/
