import type { Message, MessageSpan } from '@spanlink/api-schema'
import { BY_IDS_SETTINGS, createRefSets } from '../../sql/id-parameters.ts'
import { isConsuming } from '../messaging-spans/messaging-span.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'
import type { SpanError } from '../messaging-spans/stored-span.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { walkUp } from './forwarding-consumers.ts'
import { listMessageSpans } from '../span-records.ts'

/**
 * Adds the error of each span: its own exception or status, otherwise that of the failed descendant
 * that ended last.
 */
export async function addErrors(lookup: SpanLookup, messages: readonly Message[]): Promise<Message[]> {
  const attempts = messages.flatMap((message) => message.attempts)
  const failedUnder = await findFailedDescendants(attempts, lookup)
  // Exceptions of a successful send are ignored. A consumer may have caught its exception.
  const failed = messages.flatMap(listMessageSpans).filter((span) => span.status === 'error')
  const errors = await findErrors(lookup, [...attempts, ...failed, ...failedUnder.values()])
  const addError = (span: MessageSpan): MessageSpan => {
    const own = errors.get(toSpanKey(span))
    const under = failedUnder.get(toSpanKey(span))
    const error = own?.errorType || own?.errorMessage ? own : under && errors.get(toSpanKey(under))
    return error === undefined ? span : { ...span, ...error }
  }
  return messages.map((message) => ({
    ...message,
    producer: message.producer && addError(message.producer),
    attempts: message.attempts.map(addError),
    ...(message.deadLetter === undefined ? {} : { deadLetter: addError(message.deadLetter) }),
  }))
}

/** Failed descendants by the key of the consuming span. Consuming children are separate work. */
async function findFailedDescendants(
  consumers: readonly MessageSpan[],
  lookup: SpanLookup,
): Promise<ReadonlyMap<string, SpanIdentity>> {
  const consuming = new Set(consumers.map(toSpanKey))
  const rows = await lookup.spansOf(consumers)
  const byRef = Map.groupBy(rows, toRefKey)
  const failed = new Map<string, (typeof rows)[number]>()
  for (const row of rows) {
    if (row.status !== 'error') continue
    for (const span of walkUp(byRef, row)) {
      const key = toSpanKey(span)
      const known = failed.get(key)
      if (span !== row && consuming.has(key) && (known === undefined || known.end < row.end)) failed.set(key, row)
      if (isConsuming(span)) break
    }
  }
  return failed
}

/** A log record names the span it belongs to by id and service. */
type LoggingSpan = SpanRef & { readonly service: string }

function toLoggingKey(span: LoggingSpan): string {
  return `${toRefKey(span)} ${span.service}`
}

async function findErrors(lookup: SpanLookup, refs: readonly SpanIdentity[]): Promise<ReadonlyMap<string, SpanError>> {
  if (refs.length === 0) return new Map()
  const sets = createRefSets(refs)
  // Exceptions sent as log records: event `exception`, or with a prefix, such as
  // `messaging.client.operation.exception`.
  const logged = lookup.store.query<LoggingSpan & SpanError>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, service,
      argMax(attrs['exception.type'], timestamp) as errorType, argMax(attrs['exception.message'], timestamp) as errorMessage
    from logs
    where trace_id in (${sets.traceIds}) and (trace_id, span_id) in (${sets.spans})
      and (event_name = 'exception' or endsWith(event_name, '.exception'))
    group by trace_id, span_id, service
    ${BY_IDS_SETTINGS}`,
    sets.params,
    lookup.options,
  )
  const [exceptionRows, details] = await Promise.all([logged, lookup.detailsOf(refs)])
  const sharers = await lookup.spansByRef(refs)
  const exceptions = new Map(exceptionRows.map((row) => [toLoggingKey(row), row]))
  const exceptionsOfId = Map.groupBy(exceptionRows, toRefKey)
  const exceptionOf = (span: LoggingSpan): SpanError | undefined => {
    const own = exceptions.get(toLoggingKey(span))
    // Logs may have another service name than spans; a span id used by one span is enough to match.
    return own ?? (sharers.get(toRefKey(span))?.length === 1 ? exceptionsOfId.get(toRefKey(span))?.[0] : undefined)
  }
  return new Map(
    refs.flatMap((ref) => {
      const own = details.get(toSpanKey(ref))
      if (own === undefined) return []
      const exception = own.hasException ? undefined : exceptionOf(ref)
      const message = exception?.errorMessage || own.errorMessage
      const errorType = exception?.errorType || own.errorType
      return [[toSpanKey(ref), { errorType, errorMessage: message.slice(0, MAX_ERROR_MESSAGE_LENGTH) }]]
    }),
  )
}

/** Characters of an error message in a list; the trace has the full text. */
const MAX_ERROR_MESSAGE_LENGTH = 1_000
