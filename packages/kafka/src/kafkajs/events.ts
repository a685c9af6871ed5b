import type { Consumer, Producer } from 'kafkajs'
import { safely } from '../core/diagnostics.ts'
import { createClientEvents, hasLogger, type ClientEvents } from '../events/events.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientIdentity } from './identity.ts'
import { watchThrottling } from './throttling.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Listens from the first `connect` on, if there is a logger: kafkajs creates no events without
 * listeners.
 */
export function emitProducerEvents(
  producer: Producer,
  instrumentation: Instrumentation,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
): void {
  onFirstConnect(producer, instrumentation, () => {
    const events = createClientEvents(instrumentation, identity)
    producer.on(producer.events.REQUEST, watchThrottling(cluster.raw, events.emitThrottle))
  })
}

/** @returns the consumer's events, for failures of commits */
export function emitConsumerEvents(
  consumer: Consumer,
  instrumentation: Instrumentation,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
): ClientEvents {
  const events = createClientEvents(instrumentation, identity)
  onFirstConnect(consumer, instrumentation, () => {
    const { REQUEST, REBALANCING, GROUP_JOIN, STOP, CRASH } = consumer.events
    consumer.on(REQUEST, watchThrottling(cluster.raw, events.emitThrottle))
    consumer.on(REBALANCING, ({ payload: { memberId } }) => events.emitRebalance({ memberId }))
    consumer.on(GROUP_JOIN, ({ payload }) => {
      const { memberId, isLeader, duration } = payload
      events.replaceAssignment(toTopicPartitions(payload.memberAssignment), {
        memberId,
        isLeader,
        joinSeconds: duration / 1000,
      })
    })
    consumer.on(CRASH, ({ payload: { error, restart } }) => events.emitCrash(error, restart))
    consumer.on(STOP, () => events.clearAssignment())
  })
  return events
}

function onFirstConnect(client: Producer | Consumer, instrumentation: Instrumentation, listen: () => void): void {
  const { connect } = client
  let isListening = false
  replaceMethod(client, 'connect', () => {
    if (!isListening && hasLogger(instrumentation)) {
      isListening = true
      safely('listen to a kafkajs client', listen)
    }
    return connect()
  })
}

function toTopicPartitions(assignment: Readonly<Record<string, readonly number[]>>) {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
