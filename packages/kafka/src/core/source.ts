import type { Attributes } from '@opentelemetry/api'
import type { AttributeNames } from '../semconv.ts'
import { safely } from './diagnostics.ts'
import type { Correlation, ResolvedOptions } from '../options.ts'

/** A broker. */
export interface ServerAddress {
  readonly address: string | undefined
  readonly port: number | undefined
}

/** Where messages come from. One object serves all messages of a partition. */
export interface MessageSource {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly groupId?: string | undefined
  readonly clientId?: string | undefined
  readonly clusterId?: string | undefined
  /** The broker that leads the partition. */
  readonly server?: ServerAddress | undefined
}

/**
 * A message as clients deliver it: kafkajs, Confluent and @platformatic/kafka messages all fit.
 * Topic and partition may be left to the `MessageSource`.
 */
export interface ReceivedMessage {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: string | number | bigint | undefined
  readonly key?: unknown
  readonly value?: unknown
  readonly headers?: unknown
  /** Milliseconds since the epoch, in whatever type the client has. */
  readonly timestamp?: unknown
}

/** The attributes that all spans of a source share, computed once. */
export interface PreparedSource {
  readonly source: MessageSource
  readonly topic: string | undefined
  readonly isTraced: boolean
  readonly correlation: Correlation
  readonly processName: string
  readonly processAttributes: Attributes
  readonly receiveName: string
  readonly receiveAttributes: Attributes
  readonly linkAttributes: Attributes
}

export function prepareSource(source: MessageSource, names: AttributeNames, options: ResolvedOptions): PreparedSource {
  const { topic } = source
  const linkAttributes: Attributes = {}
  names.put(linkAttributes, 'destination', topic)
  names.put(linkAttributes, 'partition', formatPartition(source.partition))
  return {
    source,
    topic,
    isTraced: isTraced(topic, options),
    correlation: getCorrelation(topic, options),
    processName: formatSpanName('process', topic),
    processAttributes: createConsumerAttributes('process', 'process', source, names, options),
    receiveName: formatSpanName('poll', topic),
    receiveAttributes: createConsumerAttributes('poll', 'receive', source, names, options),
    linkAttributes,
  }
}

/** Returns `{operation name} {destination}`, or the operation name alone. */
export function formatSpanName(operation: string, topic: string | undefined): string {
  return topic === undefined ? operation : `${operation} ${topic}`
}

export function isTraced(topic: string | undefined, options: ResolvedOptions): boolean {
  const { filter } = options
  return topic === undefined || filter === undefined || applyFilter(filter, topic)
}

function applyFilter(filter: (topic: string) => boolean, topic: string): boolean {
  let traced = true
  safely('call the topic filter', () => (traced = filter(topic)))
  return traced
}

/** The conventions make the partition's id a string. */
export function formatPartition(partition: number | undefined): string | undefined {
  return partition === undefined || partition < 0 ? undefined : String(partition)
}

/** Returns undefined for offsets of 2^53 and more: `kafka.offset` must not be rounded. */
export function parseOffset(offset: string | number | bigint | undefined): number | undefined {
  if (offset === undefined || offset === '') return undefined
  const number = Number(offset)
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** A tombstone deletes a key in a compacted topic: a key, and null for a value. */
export function isTombstone(key: unknown, value: unknown): boolean {
  return value === null && key !== null && key !== undefined
}

/** Sets the cluster id and the broker's address. */
export function setServerAttributes(
  names: AttributeNames,
  attributes: Attributes,
  { clusterId, server }: Pick<MessageSource, 'clusterId' | 'server'>,
): void {
  names.put(attributes, 'clusterId', clusterId)
  names.put(attributes, 'serverAddress', server?.address)
  names.put(attributes, 'serverPort', server?.port)
}

function getCorrelation(topic: string | undefined, { correlation }: ResolvedOptions): Correlation {
  if (typeof correlation !== 'function') return correlation
  let chosen: Correlation = 'link'
  if (topic !== undefined) safely('resolve the correlation', () => (chosen = correlation(topic)))
  return chosen
}

function createConsumerAttributes(
  operationName: string,
  operationType: string,
  source: MessageSource,
  names: AttributeNames,
  options: ResolvedOptions,
): Attributes {
  const attributes: Attributes = {}
  names.put(attributes, 'system', 'kafka')
  names.put(attributes, 'operationName', operationName)
  names.put(attributes, 'operationType', operationType)
  names.put(attributes, 'destination', source.topic)
  names.put(attributes, 'partition', formatPartition(source.partition))
  names.put(attributes, 'consumerGroup', source.groupId)
  names.put(attributes, 'clientId', source.clientId ?? options.clientId)
  setServerAttributes(names, attributes, source)
  return attributes
}
