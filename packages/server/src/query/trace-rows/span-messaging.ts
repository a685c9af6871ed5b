import type { RecordMetadata, SpanKind } from '@spanlink/api-schema'
import {
  batchCountName,
  kafkaTopicName,
  messagingAttributeNames,
  type MessagingField,
  messagingNames,
  type MessagingOperation,
  operationAliases,
  operationByKind,
} from '../../clickhouse/insert/messaging/semconv.ts'
import type { PayloadReader } from '../../clickhouse/read/payload-reader.ts'
import type { SpanRow } from './trace-row.ts'

/** What the messaging columns of `spans` have, and the message key; '' for unknown values. */
export type SpanMessaging = {
  readonly operation: MessagingOperation
  readonly system: string
  readonly cluster: string
  readonly topic: string
  readonly partition: string
  /** Decimal digits. */
  readonly offset: string
  readonly key: string
  readonly group: string
  /** Message count of a batch, as text. */
  readonly batchCount: string
}

const NOT_MESSAGING: SpanMessaging = {
  operation: 'none',
  system: '',
  cluster: '',
  topic: '',
  partition: '',
  offset: '',
  key: '',
  group: '',
  batchCount: '',
}

/** Whether spans of this kind may send or receive messages. */
export function isMessagingKind(kind: SpanKind): boolean {
  return kind === 'client' || kind === 'producer' || kind === 'consumer'
}

/** Derives from a span's attributes what insert/messaging stores in columns of `spans`. */
export function readMessaging(span: Pick<SpanRow, 'kind' | 'name' | 'attributes' | 'resourceCluster'>): SpanMessaging {
  const values = NO_VALUES.slice()
  for (const [key, text] of span.attributes) {
    const index = INDEX_OF_NAME.get(key)
    if (index !== undefined) values[index] ??= text
  }
  return deriveMessaging(span, values, span.resourceCluster)
}

/** The same from the values of its attributes. */
export function deriveMessaging(
  { kind, name }: Pick<SpanRow, 'kind' | 'name'>,
  values: MessagingValues,
  resourceCluster: string,
): SpanMessaging {
  if (!isMessagingKind(kind)) return NOT_MESSAGING
  const named = firstValue(values, INDEXES.system)
  const system = named === '' && values[KAFKA_TOPIC] ? 'kafka' : named
  const cluster = firstValue(values, INDEXES.cluster)
  const mayBeKafka = (named === '' || named === 'kafka') && values.some(isNotOfKey)
  return {
    operation: findOperation(values, kind, named === '' ? '' : name),
    system,
    cluster: cluster === '' && mayBeKafka ? resourceCluster : cluster,
    topic: firstValue(values, INDEXES.topic),
    partition: firstValue(values, INDEXES.partition),
    offset: normalizeOffset(firstValue(values, INDEXES.offset)),
    key: firstValue(values, INDEXES.key),
    group: firstValue(values, INDEXES.group),
    batchCount: values[BATCH_COUNT] ?? '',
  }
}

/** The record that a link names, and its consumer group; unlike a span's, the offset is as sent. */
export function toLinkMessaging(values: MessagingValues): RecordMetadata & { readonly group: string } {
  if (values === NO_VALUES) return NO_RECORD
  return {
    cluster: firstValue(values, INDEXES.cluster),
    topic: firstValue(values, INDEXES.topic),
    partition: firstValue(values, INDEXES.partition),
    offset: firstValue(values, INDEXES.offset),
    key: firstValue(values, INDEXES.key),
    group: firstValue(values, INDEXES.group),
  }
}

const NO_RECORD = { cluster: '', topic: '', partition: '', offset: '', key: '', group: '' }

/** Values of messaging attributes, by index of `messagingAttributeNames`. */
export type MessagingValues = readonly (string | undefined)[]

/** For each attribute key, its index in `messagingAttributeNames`; `undefined` for other keys. */
export type MessagingKeys = readonly (number | undefined)[]

export function findMessagingKeys(keys: readonly string[]): MessagingKeys {
  return keys.map((key) => INDEX_OF_NAME.get(key))
}

/** Reads the values of these keys, and skips those of others. */
export function readMessagingValues(reader: PayloadReader, keys: MessagingKeys): MessagingValues {
  let values: (string | undefined)[] | undefined
  for (const index of keys) {
    // Of a repeated key, the first value counts.
    if (index === undefined || values?.[index] !== undefined) reader.skipText()
    else (values ??= NO_VALUES.slice())[index] = reader.text()
  }
  return values ?? NO_VALUES
}

/** The same for a map, which has each key before its value. */
export function readMessagingEntries(reader: PayloadReader): MessagingValues {
  let values: (string | undefined)[] | undefined
  for (let left = reader.count(2); left > 0; left--) {
    const index = INDEX_OF_NAME.get(reader.text())
    if (index === undefined || values?.[index] !== undefined) reader.skipText()
    else (values ??= NO_VALUES.slice())[index] = reader.text()
  }
  return values ?? NO_VALUES
}

const INDEX_OF_NAME: ReadonlyMap<string, number> = new Map(messagingAttributeNames.map((name, index) => [name, index]))
const INDEXES: Readonly<Record<MessagingField, readonly number[]>> = {
  system: indexesOf('system'),
  operation: indexesOf('operation'),
  topic: indexesOf('topic'),
  partition: indexesOf('partition'),
  offset: indexesOf('offset'),
  group: indexesOf('group'),
  cluster: indexesOf('cluster'),
  key: indexesOf('key'),
}
const KAFKA_TOPIC = messagingAttributeNames.indexOf(kafkaTopicName)
const BATCH_COUNT = messagingAttributeNames.indexOf(batchCountName)
export const NO_VALUES: MessagingValues = messagingAttributeNames.map(() => undefined)

function indexesOf(field: MessagingField): readonly number[] {
  return messagingNames[field].map((name) => messagingAttributeNames.indexOf(name))
}

/** A message key alone does not make a span one of Kafka. */
function isNotOfKey(value: string | undefined, index: number): boolean {
  return value !== undefined && !INDEXES.key.includes(index)
}

function firstValue(values: MessagingValues, indexes: readonly number[]): string {
  for (let at = 0; at < indexes.length; at++) {
    const value = values[indexes[at] as number]
    if (value !== undefined && value !== '') return value
  }
  return ''
}

/** @param spanName '' if it does not follow the conventions */
function findOperation(values: MessagingValues, kind: string, spanName: string): MessagingOperation {
  for (const index of INDEXES.operation) {
    const operation = parseOperation(values[index] ?? '')
    if (operation !== undefined) return operation
  }
  const space = spanName.indexOf(' ')
  const first = space < 0 ? spanName : spanName.slice(0, space)
  const last = spanName.slice(spanName.lastIndexOf(' ') + 1)
  return parseOperation(first) ?? parseOperation(last) ?? operationByKind[kind] ?? 'none'
}

function parseOperation(text: string): MessagingOperation | undefined {
  return Object.hasOwn(operationAliases, text) ? operationAliases[text] : parseLowerCase(text)
}

const MAX_ALIAS_LENGTH = Math.max(...Object.keys(operationAliases).map((alias) => alias.length))

function parseLowerCase(text: string): MessagingOperation | undefined {
  if (text === '' || text.length > MAX_ALIAS_LENGTH) return undefined
  const lower = text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return Object.hasOwn(operationAliases, lower) ? operationAliases[lower] : undefined
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** As ClickHouse's `toInt64OrDefault` reads it; '' for -1, which means unknown. */
function normalizeOffset(text: string): string {
  if (!/^[+-]?[0-9]+$/.test(text)) return ''
  const digits = text.replace(/^[+-]/, '')
  if (digits.replace(/^0+/, '').length > 19) return ''
  const value = text.startsWith('-') ? -BigInt(digits) : BigInt(digits)
  return value < MIN_INT64 || value > MAX_INT64 || value === -1n ? '' : String(value)
}
