import {
  batchCountName,
  kafkaTopicName,
  type MessagingField,
  messagingNames,
  type MessagingOperation,
  operationAliases,
  operationByKind,
} from '../../clickhouse/insert/messaging/semconv.ts'
import type { Entries, SpanRow } from './trace-row.ts'

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

const MESSAGING_KINDS: ReadonlySet<string> = new Set(['client', 'producer', 'consumer'])

/** Derives from a span's attributes what insert/messaging stores in columns of `spans`. */
export function readMessaging(span: Pick<SpanRow, 'kind' | 'name' | 'attributes' | 'resourceCluster'>): SpanMessaging {
  const { kind, name, attributes, resourceCluster } = span
  if (!MESSAGING_KINDS.has(kind)) return NOT_MESSAGING
  const values = findValues(attributes)
  const valueOf = (field: MessagingField): string => firstValue(values, messagingNames[field])
  const named = valueOf('system')
  const system = named === '' && valueAt(values, kafkaTopicName) !== '' ? 'kafka' : named
  const cluster = valueOf('cluster')
  const mayBeKafka = (named === '' || named === 'kafka') && [...values.keys()].some((name) => !KEY_NAMES.has(name))
  return {
    operation: findOperation(values, kind, named === '' ? '' : name),
    system,
    cluster: cluster === '' && mayBeKafka ? resourceCluster : cluster,
    topic: valueOf('topic'),
    partition: valueOf('partition'),
    offset: normalizeOffset(valueOf('offset')),
    key: valueOf('key'),
    group: valueOf('group'),
    batchCount: valueAt(values, batchCountName),
  }
}

/** A message key alone does not make a span one of Kafka. */
const KEY_NAMES: ReadonlySet<string> = new Set(messagingNames.key)
const KNOWN_NAMES: ReadonlySet<string> = new Set([...Object.values(messagingNames).flat(), batchCountName])

/** Of a repeated key, the first value counts. */
function findValues(attributes: Entries): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [key, text] of attributes) if (KNOWN_NAMES.has(key) && !values.has(key)) values.set(key, text)
  return values
}

function valueAt(values: ReadonlyMap<string, string>, name: string): string {
  return values.get(name) ?? ''
}

function firstValue(values: ReadonlyMap<string, string>, names: readonly string[]): string {
  for (const name of names) {
    const value = values.get(name) ?? ''
    if (value !== '') return value
  }
  return ''
}

/** @param spanName '' if it does not follow the conventions */
function findOperation(values: ReadonlyMap<string, string>, kind: string, spanName: string): MessagingOperation {
  for (const name of messagingNames.operation) {
    const operation = parseOperation(valueAt(values, name))
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
