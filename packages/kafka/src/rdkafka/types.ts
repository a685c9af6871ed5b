// The common part of `node-rdkafka` and `@confluentinc/kafka-javascript` that is used here.
// Arguments stay as the application passed them: undefined and null differ in neither.

/** `[{ key: value }, { key: value }]`: of each object only the first key is sent. */
type RdkafkaHeaders = readonly Readonly<Record<string, unknown>>[]

export type RdkafkaCallback = (error: unknown, ...results: unknown[]) => unknown

export interface RdkafkaClient {
  emit(event: string | symbol, ...args: unknown[]): boolean
}

export interface RdkafkaProducer extends RdkafkaClient {
  produce(...args: unknown[]): unknown
  commitTransaction?(...args: unknown[]): unknown
  abortTransaction?(...args: unknown[]): unknown
  sendOffsetsToTransaction?(...args: unknown[]): unknown
}

export interface RdkafkaConsumer extends RdkafkaClient {
  consume(...args: unknown[]): unknown
  commit(...args: unknown[]): unknown
  commitMessage(...args: unknown[]): unknown
  commitSync(...args: unknown[]): unknown
  commitMessageSync(...args: unknown[]): unknown
  commitCb?(...args: unknown[]): unknown
}

export interface RdkafkaMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key?: unknown
  readonly value: unknown
  readonly headers?: RdkafkaHeaders
}

export interface DeliveryReport {
  readonly partition?: number
  readonly offset?: number
  opaque?: unknown
}
