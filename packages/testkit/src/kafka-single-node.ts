/** Broker properties for a cluster of one, the same for a JVM and a container. */
export const SINGLE_NODE = {
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
  // A single voter waits for no other batch.
  'controller.quorum.append.linger.ms': '0',
  // The cleaner takes 128 MB of heap at start, for compacted topics that will not live long enough
  // to need it.
  'log.cleaner.dedupe.buffer.size': '4194304',
} as const
