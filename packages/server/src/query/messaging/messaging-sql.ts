import { batchCountName, messagingNames, type MessagingField } from '../../clickhouse/insert/messaging/semconv.ts'

/** SQL: the first name of `field` that the map `attrs` has a value for, else ''. */
export function messagingValue(field: MessagingField, attrs = 'attrs'): string {
  const values = messagingNames[field].map((name) => `${attrs}[${literal(name)}]`)
  const last = values.at(-1) ?? "''"
  const choices = values.slice(0, -1).flatMap((value) => [`${value} != ''`, value])
  return choices.length === 0 ? last : `multiIf(${[...choices, last].join(', ')})`
}

/** SQL: how many messages a span is about, as text; '' when it doesn't say. One name since 1.20. */
export const messagingBatchCount = `attrs['${batchCountName}']`

/** Only for names of the tables above; what a request says goes in parameters. */
function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
