import {
  batchCountName,
  messagingNames,
  type MessagingField,
  operationOfKind,
  operationWords,
} from '../../clickhouse/insert/messaging/semconv.ts'

/** SQL: the first name of `field` that the map `attrs` has a value for, else ''. */
export function messagingValue(field: MessagingField, attrs = 'attrs'): string {
  const values = messagingNames[field].map((name) => `${attrs}[${literal(name)}]`)
  const last = values.at(-1) ?? "''"
  const choices = values.slice(0, -1).flatMap((value) => [`${value} != ''`, value])
  return choices.length === 0 ? last : `multiIf(${[...choices, last].join(', ')})`
}

/** SQL: how many messages a span is about, as text; '' when it doesn't say. One name since 1.20. */
export const messagingBatchCount = `attrs['${batchCountName}']`

/**
 * The statement of schema/sql/messaging_columns.sql, which a test keeps the same: what messaging
 * spans say of themselves, worked out of attributes, which stay as they are. Read as maps, an hour
 * of attributes is gigabytes; as columns it is some bytes a span. What the receiver stores has them
 * from insert/messaging/messaging-columns.ts, with the same values and for a tenth of the cost.
 */
export function messagingColumns(): string {
  const columns = [
    [
      'messaging_operation',
      `Enum8('none' = 0, 'create' = 1, 'send' = 2, 'receive' = 3, 'process' = 4, 'settle' = 5)`,
      operation(),
    ],
    ['messaging_system', 'LowCardinality(String)', ofMessaging('system')],
    ['topic', 'LowCardinality(String)', ofMessaging('topic')],
    ['partition', 'LowCardinality(String)', ofMessaging('partition')],
    ['consumer_group', 'LowCardinality(String)', ofMessaging('group')],
    ['message_offset', 'Int64', `toInt64OrDefault(${ofMessaging('offset')}, toInt64(-1))`],
    ['cluster', 'LowCardinality(String)', ofMessaging('cluster')],
  ]
  const lines = columns.map(([name, type, expression]) => `  modify column ${name} ${type} default\n    ${expression}`)
  return `${HEADER}alter table {db}.spans\n${lines.join(',\n')}\n`
}

const HEADER = `-- For rows that come without these columns: written by statements, or before there were any. The
-- store writes them itself. Written by messagingColumns() of query/messaging/messaging-sql.ts: a
-- new name of the conventions goes into the table of insert/messaging/semconv.ts, and this
-- statement into a new schema version. Attributes stay as they were sent.
`

const MESSAGING_KINDS = `kind in ('client', 'producer', 'consumer')`

function ofMessaging(field: MessagingField): string {
  return `if(${MESSAGING_KINDS}, ${messagingValue(field)}, '')`
}

function operation(): string {
  const words = `[${Object.keys(operationWords).map(literal).join(', ')}]`
  const operations = `[${Object.values(operationWords).map(literal).join(', ')}]`
  // A span name is `send orders` since 1.27 and was `orders publish` before.
  const nameWord = (place: 1 | -1): string =>
    `if(${messagingValue('system')} = '', '', substringIndex(name, ' ', ${place}))`
  const said = [...messagingNames.operation.map((name) => `attrs[${literal(name)}]`), nameWord(1), nameWord(-1)]
  const kinds = Object.entries(operationOfKind).flatMap(([kind, value]) => [`kind = ${literal(kind)}`, literal(value)])
  // Nested, not an array of candidates: that doubled the memory of an insert.
  const known = said.reduceRight(
    (otherwise, value) => `transform(lower(${value}), ${words}, ${operations},\n      ${otherwise})`,
    `multiIf(${[...kinds, "'none'"].join(', ')})`,
  )
  return `if(${MESSAGING_KINDS}, ${known}, 'none')`
}

/** Only for names of the tables above; what a request says goes in parameters. */
function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
