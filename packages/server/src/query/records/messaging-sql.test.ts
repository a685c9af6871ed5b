import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  kafkaTopicName,
  type MessagingField,
  messagingNames,
  operationByKind,
  operationAliases,
} from '../../clickhouse/insert/messaging/semconv.ts'
import { messagingValue } from './messaging-sql.ts'

test('the messaging columns in spans.sql have the defaults generated from semconv.ts', async () => {
  const file = new URL('../../clickhouse/schema/spans.sql', import.meta.url)
  expect(await readFile(file, 'utf8')).toContain(messagingColumns())
})

/** Copy this text to spans.sql after adding a name to semconv.ts. */
function messagingColumns(): string {
  const columns = [
    [
      'messaging_operation',
      `Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5)`,
      operation(),
    ],
    ['messaging_system', 'LowCardinality(String)', ofKind(`multiIf(${system()})`)],
    ['topic', 'LowCardinality(String)', valueOrEmpty('topic')],
    ['partition', 'LowCardinality(String)', valueOrEmpty('partition')],
    ['consumer_group', 'LowCardinality(String)', valueOrEmpty('group')],
    ['message_offset', 'Int64', `toInt64OrDefault(${valueOrEmpty('offset')}, toInt64(-1))`],
    ['cluster', 'LowCardinality(String)', valueOrEmpty('cluster')],
  ]
  return columns
    .map(([name, type, expression]) => `  ${name} ${type} default\n    ${expression}\n    codec(ZSTD(1)),\n`)
    .join('')
}

const MESSAGING_KINDS = `kind in ('client', 'producer', 'consumer')`

function valueOrEmpty(field: MessagingField): string {
  return ofKind(messagingValue(field))
}

function ofKind(value: string): string {
  return `if(${MESSAGING_KINDS}, ${value}, '')`
}

function system(): string {
  const named = messagingNames.system.map((name) => `attrs['${name}'] != '', attrs['${name}']`)
  return [...named, `attrs['${kafkaTopicName}'] != '', 'kafka'`, `''`].join(', ')
}

function operation(): string {
  const words = `[${Object.keys(operationAliases).map(literal).join(', ')}]`
  const operations = `[${Object.values(operationAliases).map(literal).join(', ')}]`
  // A span name is `send orders` since 1.27 and was `orders publish` before.
  const nameWord = (index: 1 | -1): string =>
    `if(${messagingValue('system')} = '', '', substringIndex(name, ' ', ${index}))`
  const candidates = [...messagingNames.operation.map((name) => `attrs[${literal(name)}]`), nameWord(1), nameWord(-1)]
  const kinds = Object.entries(operationByKind).flatMap(([kind, value]) => [`kind = ${literal(kind)}`, literal(value)])
  // Nested, not an array of candidates: that doubled the memory of an insert.
  const known = candidates.reduceRight(
    (otherwise, value) => `transform(lower(${value}), ${words}, ${operations},\n      ${otherwise})`,
    `multiIf(${[...kinds, "'none'"].join(', ')})`,
  )
  return `if(${MESSAGING_KINDS}, ${known}, 'none')`
}

function literal(name: string): string {
  return `'${name}'`
}
