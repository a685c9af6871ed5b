import { InvalidParameterError } from '../../../query/sql/invalid-parameter.ts'
import { parseDuration } from '../../../query/sql/time-parameters.ts'
import { getTexts, type TextQuery } from '../query.ts'
import { attributeCondition } from '../tag-condition.ts'

/** Search parameters of either API version. */
export type JaegerSearch = {
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly tags: ReadonlyMap<string, string>
  /** In Go's format: `1.5ms`, `2s`, `1h30m`. */
  readonly minDuration: string | undefined
  readonly maxDuration: string | undefined
}

/** Parses `tag=key:value` and `tags={"key":"value"}`. Both may be repeated. */
export function parseTags(query: TextQuery): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (const tag of getTexts(query, 'tag')) {
    const at = tag.indexOf(':')
    if (at < 1) throw new InvalidParameterError('tag', 'invalid tag: expected key:value')
    tags.set(tag.slice(0, at), tag.slice(at + 1))
  }
  for (const text of getTexts(query, 'tags'))
    for (const [key, value] of parseJsonTags('tags', text)) tags.set(key, value)
  return tags
}

/** Parses a JSON object of strings. */
export function parseJsonTags(name: string, text: string): readonly (readonly [string, string])[] {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return Object.entries(parsed).map(([key, value]) => [key, typeof value === 'string' ? value : String(value)])
    }
  } catch {
    // Reported below, like JSON that is not an object.
  }
  throw new InvalidParameterError(name, `invalid ${name}: expected a JSON object such as {"http.status_code":"500"}`)
}

/** Converts the search to TraceQL. As in Jaeger, a single span has to match all conditions. */
export function toTraceQL({ service, operation, tags, minDuration, maxDuration }: JaegerSearch): string {
  const conditions = [
    ...(service === undefined ? [] : [`resource.service.name = ${JSON.stringify(service)}`]),
    ...(operation === undefined ? [] : [`name = ${JSON.stringify(operation)}`]),
    ...(minDuration === undefined ? [] : [`duration >= ${parseDuration('minDuration', minDuration)}ns`]),
    ...(maxDuration === undefined ? [] : [`duration <= ${parseDuration('maxDuration', maxDuration)}ns`]),
    ...[...tags].map(([key, value]) => tagToTraceQl(key, value)),
  ]
  return `{ ${conditions.join(' && ')} }`
}

const STATUSES = ['error', 'ok', 'unset']
const KINDS = ['server', 'client', 'producer', 'consumer', 'internal', 'unspecified']

/**
 * Maps tags that our responses derive from span fields. Any other tag is an attribute of the span,
 * its process, events, scope or links.
 */
function tagToTraceQl(key: string, value: string): string {
  const text = JSON.stringify(value)
  const word = value.toLowerCase()
  if (key === 'error' && (word === 'true' || word === 'false')) return `status ${word === 'true' ? '=' : '!='} error`
  if (key === 'span.kind' && KINDS.includes(word)) return `kind = ${word}`
  if (key === 'otel.status_code' && STATUSES.includes(word)) return `status = ${word}`
  if (key === 'otel.status_description') return `statusMessage = ${text}`
  if (key === 'otel.scope.name') return `instrumentation:name = ${text}`
  if (key === 'otel.scope.version') return `instrumentation:version = ${text}`
  const attribute = attributeCondition(['', 'event', 'instrumentation', 'link'], key, value)
  // A log field, to which Jaeger converts the name of an event.
  return key === 'event' ? `(event:name = ${text} || ${attribute})` : attribute
}
