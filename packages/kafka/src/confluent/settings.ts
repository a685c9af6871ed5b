import type { RdkafkaClient } from '../rdkafka/types.ts'
import { statisticsView } from '../rdkafka/cluster.ts'
import type { StatisticsView } from '../rdkafka/cluster.ts'

/** What a client's configuration says about its spans. Known for certain once it is connected. */
export interface ClientSettings {
  readonly clientId: string | undefined
  readonly groupId: string | undefined
  readonly cluster: StatisticsView
}

/**
 * Reads settings when they are asked for. The client merges its own configuration with that of its
 * `Kafka`, which nobody else can read, and hands the result to the rdkafka client it makes in
 * `connect()`; that one has it as `globalConfig`. Where it can't be found, the client's own
 * configuration has to do.
 * @param config the client's own, `{ kafkaJS: { clientId, groupId } }` or librdkafka's `client.id`
 *   and `group.id`
 * @param clientId one that the application told us; it wins
 */
export function clientSettings(client: object, config: unknown, clientId: string | undefined): ClientSettings {
  const own = fieldsOf(config)
  const compatible = fieldsOf(own['kafkaJS'])
  let merged: Fields | undefined
  const setting = (name: string, compatibleName: string): string | undefined => {
    merged ??= connectedConfig(client)
    return text(merged?.[name]) ?? text(own[name]) ?? text(compatible[compatibleName])
  }
  return {
    get clientId() {
      return clientId ?? setting('client.id', 'clientId')
    },
    get groupId() {
      return setting('group.id', 'groupId')
    },
    cluster: statisticsView(),
  }
}

/** The same of an rdkafka client, which has its configuration itself. */
export function rdkafkaSettings(client: object, clientId: string | undefined): ClientSettings {
  const config = fieldsOf((client as Fields)['globalConfig'])
  return {
    clientId: clientId ?? text(config['client.id']),
    groupId: text(config['group.id']),
    cluster: statisticsView(),
  }
}

/**
 * The rdkafka client inside of one of the KafkaJS API, from its `connect` on. Reached by a method
 * marked private, so it may be away.
 */
export function internalClient(client: object): RdkafkaClient | undefined {
  const { _getInternalClient: get } = client as { readonly _getInternalClient?: unknown }
  if (typeof get !== 'function') return undefined
  const internal: unknown = get.call(client)
  return typeof internal === 'object' && internal !== null && 'emit' in internal
    ? (internal as RdkafkaClient)
    : undefined
}

type Fields = Readonly<Record<string, unknown>>

function connectedConfig(client: object): Fields | undefined {
  const internal = internalClient(client)
  return internal && fieldsOf((internal as unknown as Fields)['globalConfig'])
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
