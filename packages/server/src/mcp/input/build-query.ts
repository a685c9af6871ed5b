/** Simple filters of search_traces, all on the same span. */
export type SpanFilters = {
  readonly service?: string
  readonly name?: string
  readonly topic?: string
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
  readonly minDuration?: string
  readonly errorsOnly?: boolean
}

/** Old and new names of the attribute of a message's key, and of its topic. */
const KEY_FIELDS = ['messaging.kafka.message.key', 'kafka.message.key']
const TOPIC_FIELD = 'messaging.destination.name'

/** Conditions of the filters as TraceQL, to be joined by `&&`. */
export function buildConditions(filters: SpanFilters): readonly string[] {
  const { service, name, topic, attributes = {}, minDuration, errorsOnly } = filters
  return [
    ...(service === undefined ? [] : [`resource.service.name = ${writeText(service)}`]),
    ...(name === undefined ? [] : [`name = ${writeText(name)}`]),
    ...(topic === undefined ? [] : [matchField(TOPIC_FIELD, topic)]),
    ...Object.entries(attributes).map(([field, value]) => matchField(field, value)),
    ...(minDuration === undefined ? [] : [`duration >= ${minDuration}`]),
    ...(errorsOnly === true ? ['status = error'] : []),
  ]
}

/** Spans with this value as message key, or in one of the fields. */
export function matchAnyField(fields: readonly string[], value: string): string {
  const all = [...new Set([...KEY_FIELDS, ...fields])].map((field) => matchField(field, value))
  return `(${all.join(' || ')})`
}

/** A number in text matches both: TraceQL compares values of the same type only. */
function matchField(field: string, value: string | number | boolean): string {
  const name = writeField(field)
  if (typeof value !== 'string') return `${name} = ${String(value)}`
  const isNumber = /^-?[0-9]{1,15}$/.test(value)
  return isNumber ? `(${name} = ${writeText(value)} || ${name} = ${Number(value)})` : `${name} = ${writeText(value)}`
}

function writeField(field: string): string {
  return /^[\p{L}_][\p{L}\p{N}_./-]*$/u.test(field) ? `.${field}` : `.${writeText(field)}`
}

function writeText(text: string): string {
  return JSON.stringify(text)
}
