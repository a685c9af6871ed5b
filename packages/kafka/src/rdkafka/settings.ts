import { createStatisticsView } from './cluster.ts'
import type { StatisticsView } from './cluster.ts'

/** What a client's configuration says about its spans. Known for certain once it is connected. */
export interface ClientSettings {
  readonly clientId: string | undefined
  readonly groupId: string | undefined
  readonly cluster: StatisticsView
}

/** The same of an rdkafka client, which has its configuration itself. */
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
