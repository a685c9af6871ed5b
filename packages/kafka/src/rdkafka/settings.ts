import { createStatisticsView, type StatisticsView } from './cluster.ts'

/** A client's configuration; final once it is connected. */
export interface ClientSettings {
  readonly clientId: string | undefined
  readonly groupId: string | undefined
  readonly cluster: StatisticsView
}

/** Reads the settings of an rdkafka client from its own configuration. */
export function readRdkafkaSettings(client: object, clientId: string | undefined): ClientSettings {
  const config = toFields((client as Fields)['globalConfig'])
  return {
    clientId: clientId ?? toText(config['client.id']),
    groupId: toText(config['group.id']),
    cluster: createStatisticsView(),
  }
}

export type Fields = Readonly<Record<string, unknown>>

export function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

export function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
