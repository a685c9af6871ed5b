import type { Message, MessageSpan } from '@spanlink/api-schema'
import { BY_IDS_SETTINGS, createRefSets } from '../../sql/id-parameters.ts'
import { findSpansInTraces, type StoreAccess } from '../messaging-spans/find-messaging-spans.ts'
import { identityColumns, isConsuming } from '../messaging-spans/messaging-span.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { walkUp } from './forwarding-consumers.ts'
import { listMessageSpans } from '../span-records.ts'
import type { TraceCache } from '../trace-cache.ts'

/**
 * Adds the error of each span: its own exception or status, otherwise that of the failed descendant
 * that ended last.
 */
export async function addErrors(traces: TraceCache, messages: readonly Message[]): Promise<Message[]> {
  const attempts = messages.flatMap((message) => message.attempts)
  const failedUnder = await findFailedDescendants(attempts, traces)
  // Exceptions of a successful send are ignored. A consumer may have caught its exception.
  const failed = messages.flatMap(listMessageSpans).filter((span) => span.status === 'error')
  const errors = await findErrors(traces, [...attempts, ...failed, ...failedUnder.values()])
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
  traces: TraceCache,
): Promise<ReadonlyMap<string, SpanIdentity>> {
  const consuming = new Set(consumers.map(toSpanKey))
  const rows = await traces.spansOf(consumers)
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

type SpanError = Pick<MessageSpan, 'errorType' | 'errorMessage'>

async function findErrors(access: StoreAccess, refs: readonly SpanIdentity[]): Promise<ReadonlyMap<string, SpanError>> {
  if (refs.length === 0) return new Map()
  const spans = findSpansInTraces<SpanIdentity & SpanError & { readonly hasException: number }>(
    access,
    refs,
    `${identityColumns}, notEmpty(arrayLast(event -> event.2 = 'exception', events).3 as exception) as hasException,
    if(exception['exception.type'] != '', exception['exception.type'], attrs['error.type']) as errorType,
    if(exception['exception.message'] != '', exception['exception.message'], status_message) as errorMessage`,
  )
  const sets = createRefSets(refs)
  // Exceptions sent as log records: event `exception`, or with a prefix, such as
  // `messaging.client.operation.exception`.
  const logged = access.store.query<LoggingSpan & SpanError>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, service,
      argMax(attrs['exception.type'], timestamp) as errorType, argMax(attrs['exception.message'], timestamp) as errorMessage
    from logs
    where trace_id in (${sets.traceIds}) and (trace_id, span_id) in (${sets.spans})
      and (event_name = 'exception' or endsWith(event_name, '.exception'))
    group by trace_id, span_id, service
    ${BY_IDS_SETTINGS}`,
    sets.params,
    access.options,
  )
  const [spanRows, exceptionRows] = await Promise.all([spans, logged])
  const exceptions = new Map(exceptionRows.map((row) => [toLoggingKey(row), row]))
  const exceptionsOfId = Map.groupBy(exceptionRows, toRefKey)
  const sharersOfId = Map.groupBy(spanRows, toRefKey)
  const exceptionOf = (span: LoggingSpan): SpanError | undefined => {
    const own = exceptions.get(toLoggingKey(span))
    // Logs may have another service name than spans; a span id used by one span is enough to match.
    return own ?? (sharersOfId.get(toRefKey(span))?.length === 1 ? exceptionsOfId.get(toRefKey(span))?.[0] : undefined)
  }
  return new Map(
    spanRows.map(({ hasException, errorType, errorMessage, ...ref }) => {
      const exception = hasException === 0 ? exceptionOf(ref) : undefined
      const message = exception?.errorMessage || errorMessage
      return [
        toSpanKey(ref),
        { errorType: exception?.errorType || errorType, errorMessage: message.slice(0, MAX_ERROR_MESSAGE_LENGTH) },
      ]
    }),
  )
}

/** Characters of an error message in a list; the trace has the full text. */
const MAX_ERROR_MESSAGE_LENGTH = 1_000
