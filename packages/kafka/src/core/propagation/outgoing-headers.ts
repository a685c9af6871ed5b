import { ROOT_CONTEXT, type Context, type SpanContext } from '@opentelemetry/api'
import { hasConsumed } from './consumed-contexts.ts'
import { getCreationContext, type HeaderPropagation } from './header-propagation.ts'
import { hasHeader, replaceHeaders, type HeaderEntries } from './headers.ts'
import type { OutgoingFormat, SendOperation } from '../telemetry.ts'
import type { Tracing } from '../span/tracing.ts'

/** What to do with the propagation headers that messages already have. */
export interface HeaderActions {
  /** Creation contexts that messages have and keep. */
  readonly keptContexts: readonly SpanContext[]
  /** By index of message, if it has such headers; a set holds the names to remove. */
  readonly byMessage: ReadonlyMap<number, 'keep' | ReadonlySet<string>>
}

/** Returns undefined if no message has propagation headers, as is usual. */
export function getHeaderActions<M>(
  tracing: Tracing,
  { messages, format }: SendOperation<M>,
): HeaderActions | undefined {
  if (!hasAnyHeaders(messages, format)) return undefined
  const fields = tracing.propagation.getFields()
  if (fields.size === 0) return undefined
  let keptContexts: SpanContext[] | undefined
  let byMessage: Map<number, 'keep' | ReadonlySet<string>> | undefined
  for (let i = 0; i < messages.length; i += 1) {
    const { headers } = format.read(messages[i]!)
    if (!hasHeader(headers, fields)) continue
    keptContexts ??= []
    byMessage ??= new Map()
    const existing = getCreationContext(tracing.propagation.extract(ROOT_CONTEXT, headers))
    if (existing === undefined) byMessage.set(i, excludeBaggage(fields))
    else if (hasConsumed(existing.spanId)) byMessage.set(i, fields)
    else {
      byMessage.set(i, 'keep')
      keptContexts.push(existing)
    }
  }
  return keptContexts && byMessage && { keptContexts, byMessage }
}

function hasAnyHeaders<M>(messages: readonly M[], format: OutgoingFormat<M>): boolean {
  for (const message of messages) if (hasHeaders(format, message)) return true
  return false
}

function hasHeaders<M>(format: OutgoingFormat<M>, message: M): boolean {
  const { headers } = format.read(message)
  return headers !== undefined && headers !== null
}

/** Copies messages with the headers from `createEntries`, except those that keep their own. */
export function writeHeaders<M>(
  { messages, format }: SendOperation<M>,
  actions: HeaderActions | undefined,
  createEntries: (message: M, index: number) => HeaderEntries,
): readonly M[] {
  return messages.map((message, i) => {
    const action = actions?.byMessage.get(i)
    return action === 'keep' ? message : addEntries(format, message, createEntries(message, i), action)
  })
}

/** Copies messages with the headers of one context. */
export function writeSharedHeaders<M>(
  { messages, format }: SendOperation<M>,
  actions: HeaderActions | undefined,
  propagation: HeaderPropagation,
  within: Context,
): readonly M[] {
  // A growing array reserves 17 elements; the usual single message without headers needs none.
  if (messages.length === 1 && actions === undefined) {
    const [message] = messages as readonly [M]
    if (format.encoding !== undefined || hasHeaders(format, message)) {
      return [addEntries(format, message, propagation.inject(within))]
    }
    const headers = propagation.injectRecord(within)
    return headers === undefined ? messages : [format.withHeaders(message, headers)]
  }
  const entries = propagation.inject(within)
  const written: M[] = []
  for (let i = 0; i < messages.length; i += 1) {
    const action = actions?.byMessage.get(i)
    written.push(action === 'keep' ? messages[i]! : addEntries(format, messages[i]!, entries, action))
  }
  return written
}

function addEntries<M>(
  format: OutgoingFormat<M>,
  message: M,
  entries: HeaderEntries,
  removed: ReadonlySet<string> = NOTHING,
): M {
  if (entries.length === 0 && removed === NOTHING) return message
  return format.withHeaders(message, replaceHeaders(format.read(message).headers, entries, removed, format.encoding))
}

const NOTHING: ReadonlySet<string> = new Set()

// Without a valid context `tracestate` has no meaning, but `baggage` may be the application's own.
function excludeBaggage(fields: ReadonlySet<string>): ReadonlySet<string> {
  const removed = new Set(fields)
  removed.delete('baggage')
  return removed
}
