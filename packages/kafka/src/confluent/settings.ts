import type { RdkafkaClient } from '../rdkafka/types.ts'
import { createStatisticsView } from '../rdkafka/cluster.ts'
import { toFields, toText } from '../rdkafka/settings.ts'
import type { ClientSettings, Fields } from '../rdkafka/settings.ts'

/**
 * Reads settings when they are asked for. The client merges its own configuration with that of its
 * `Kafka`, which nobody else can read, and hands the result to the rdkafka client it makes in
 * `connect()`; that one has it as `globalConfig`. Where it can't be found, the client's own
 * configuration has to do.
 * @param config the client's own, `{ kafkaJS: { clientId, groupId } }` or librdkafka's `client.id`
 *   and `group.id`
 * @param clientId one that the application told us; it wins
 */
export function createClientSettings(client: object, config: unknown, clientId: string | undefined): ClientSettings {
  const own = toFields(config)
  const compatible = toFields(own['kafkaJS'])
  let merged: Fields | undefined
  const setting = (name: string, compatibleName: string): string | undefined => {
    merged ??= getConnectedConfig(client)
    return toText(merged?.[name]) ?? toText(own[name]) ?? toText(compatible[compatibleName])
  }
  return {
    get clientId() {
      return clientId ?? setting('client.id', 'clientId')
    },
    get groupId() {
      return setting('group.id', 'groupId')
    },
    cluster: createStatisticsView(),
  }
}

/**
 * The rdkafka client inside of one of the KafkaJS API, from its `connect` on. Reached by a method
 * marked private, so it may be away.
 */
export function getInternalClient(client: object): RdkafkaClient | undefined {
  const { _getInternalClient: get } = client as { readonly _getInternalClient?: unknown }
  if (typeof get !== 'function') return undefined
  const internal: unknown = get.call(client)
  return typeof internal === 'object' && internal !== null && 'emit' in internal
    ? (internal as RdkafkaClient)
    : undefined
}

function getConnectedConfig(client: object): Fields | undefined {
  const internal = getInternalClient(client)
  return internal && toFields((internal as unknown as Fields)['globalConfig'])
}
