import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { safely } from '../core/diagnostics.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { getInternalClient } from './settings.ts'
import type { ClientSettings } from '../rdkafka/settings.ts'
import { emitRdkafkaEvents } from '../rdkafka/client-events.ts'
import { measureStatistics } from '../rdkafka/measure-statistics.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** Reads metrics and events of the rdkafka client that `connect` creates. */
export function observeOnConnect(
  client: KafkaJS.Producer | KafkaJS.Consumer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const connect = client.connect.bind(client)
  replaceMethod(client, 'connect', () => {
    const connected = connect()
    safely("measure one of Confluent's clients", () => {
      const internal = getInternalClient(client)
      if (internal === undefined) return
      settings.cluster.watch(internal)
      measureStatistics(internal, instrumentation, settings)
      emitRdkafkaEvents(internal, instrumentation, settings)
    })
    return connected
  })
}
