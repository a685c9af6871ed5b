import type { KafkaTelemetryOptions } from '@spanlink/kafka'

/** A message with the fields that all clients share. */
export interface TestMessage {
  readonly key?: string
  readonly value: string | null
  readonly headers?: Readonly<Record<string, string | Buffer | (string | Buffer)[]>>
}

export interface DeliveredTestMessage {
  readonly value: string | undefined
  readonly headers: unknown
  /** Runs `fn` in the message's process span, the way this client's users do. */
  process<R>(fn: () => Promise<R>): Promise<R>
}

/**
 * A traced Kafka client, as `describeClient` tests it.
 */
export interface ClientUnderTest {
  readonly name: string
  connect(brokers: string[], options: KafkaTelemetryOptions): Promise<ConnectedClient>
}

export interface ConnectedClient extends AsyncDisposable {
  /** In one call of the client. */
  send(topic: string, messages: readonly TestMessage[]): Promise<unknown>
  /** Consumes `topic` from its beginning until disposed. */
  eachMessage(topic: string, groupId: string, handler: (message: DeliveredTestMessage) => Promise<void>): Promise<void>
  eachBatch(
    topic: string,
    groupId: string,
    handler: (messages: readonly DeliveredTestMessage[]) => Promise<void>,
  ): Promise<void>
}
