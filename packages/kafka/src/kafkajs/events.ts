import type { Consumer, Producer } from 'kafkajs'
import { quietly } from '../core/diagnostics.ts'
import { clientEvents, hasLogger } from '../events/events.ts'
import type { ClientEvents } from '../events/events.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { KafkaJSCluster } from './cluster.ts'
import type { ClientIdentity } from './identity.ts'
import { watchThrottling } from './throttling.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Listens to a client from its first `connect` on, if there is a logger by then: kafkajs builds no
 * events when nobody listens.
 */
export function tellProducerEvents(
  producer: Producer,
  telemetry: KafkaTelemetry,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
): void {
  onceConnecting(producer, telemetry, () => {
    const events = clientEvents(telemetry, identity)
    producer.on(producer.events.REQUEST, watchThrottling(cluster.itself, events.throttled))
  })
}

/** @returns the consumer's events, which commits of the application tell their failures to */
export function tellConsumerEvents(
  consumer: Consumer,
  telemetry: KafkaTelemetry,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
  groupId: string | undefined,
): ClientEvents {
  const events = clientEvents(telemetry, {
    get clientId() {
      return identity.clientId
    },
    groupId,
  })
  onceConnecting(consumer, telemetry, () => {
    const { REQUEST, REBALANCING, GROUP_JOIN, STOP, CRASH } = consumer.events
    consumer.on(REQUEST, watchThrottling(cluster.itself, events.throttled))
    consumer.on(REBALANCING, ({ payload: { memberId } }) => events.rebalancing({ memberId }))
    consumer.on(GROUP_JOIN, ({ payload }) => {
      const { memberId, isLeader, duration } = payload
      events.assignedAll(partitionsOf(payload.memberAssignment), { memberId, isLeader, seconds: duration / 1000 })
    })
    consumer.on(CRASH, ({ payload: { error, restart } }) => events.crashed(error, restart))
    consumer.on(STOP, () => events.left())
  })
  return events
}

function onceConnecting(client: Producer | Consumer, telemetry: KafkaTelemetry, listen: () => void): void {
  const { connect } = client
  let isListening = false
  replaceMethod(client, 'connect', () => {
    if (!isListening && hasLogger(telemetry)) {
      isListening = true
      quietly('listen to a kafkajs client', listen)
    }
    return connect()
  })
}

function partitionsOf(assignment: Readonly<Record<string, readonly number[]>>) {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
