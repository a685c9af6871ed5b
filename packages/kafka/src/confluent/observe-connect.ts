import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { quietly } from '../core/diagnostics.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { internalClient } from './settings.ts'
import type { ClientSettings } from './settings.ts'
import { tellRdkafkaEvents } from '../rdkafka/client-events.ts'
import { measureStatistics } from '../rdkafka/statistics.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Feeds metrics from the statistics of the rdkafka client that `connect` makes, and tells its
 * events.
 */
export function measureWhenConnected(
  client: KafkaJS.Producer | KafkaJS.Consumer,
  telemetry: KafkaTelemetry,
  settings: ClientSettings,
): void {
  const connect = client.connect.bind(client)
  replaceMethod(client, 'connect', () => {
    const connected = connect()
    quietly("measure one of Confluent's clients", () => {
      const internal = internalClient(client)
      if (internal === undefined) return
      settings.cluster.follow(internal)
      measureStatistics(internal, telemetry, settings)
      tellRdkafkaEvents(internal, telemetry, settings)
    })
    return connected
  })
}
