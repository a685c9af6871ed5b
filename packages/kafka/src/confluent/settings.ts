import type { RdkafkaClient } from '../rdkafka/types.ts'
import { createStatisticsView } from '../rdkafka/cluster.ts'
import { toFields, toText, type ClientSettings, type Fields } from '../rdkafka/settings.ts'

/**
 * Reads settings lazily: the client merges its configuration with that of its `Kafka` in
 * `connect()`, and only the `globalConfig` of its rdkafka client shows the result. Falls back to
 * `config`.
 * @param config `{ kafkaJS: { clientId, groupId } }`, or `client.id` and `group.id` of librdkafka
 * @param clientId the option, which overrides the client's own
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
 * Returns the rdkafka client of a KafkaJS client, once it connects. Uses a private method: the
 * result may be undefined.
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
