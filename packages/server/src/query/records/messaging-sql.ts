import { messagingNames, type MessagingField } from '../../clickhouse/insert/messaging/semconv.ts'

/** SQL for the first non-empty value among the names of `field` in the map `attrs`, else ''. */
export function messagingValue(field: MessagingField, attrs = 'attrs'): string {
  return firstNonEmptyValue(messagingNames[field], attrs)
}

/** The same for names that are constants, never user input. */
export function firstNonEmptyValue(names: readonly string[], attrs = 'attrs'): string {
  const values = names.map((name) => `${attrs}['${name}']`)
  const last = values.at(-1) ?? "''"
  const choices = values.slice(0, -1).flatMap((value) => [`${value} != ''`, value])
  return choices.length === 0 ? last : `multiIf(${[...choices, last].join(', ')})`
}
