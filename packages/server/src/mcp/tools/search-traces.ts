import type { AttributesResponse, FoundTrace, TracesResponse } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { buildConditions, matchAnyField, type SpanFilters } from '../input/build-query.ts'
import { countArgument, durationArgument, nameArgument } from '../input/shared.ts'
import { resolveWindow, timeArguments, type TimeWindow } from '../input/time-window.ts'
import { formatCount, formatDuration, formatTime, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatSearched } from '../text/searched.ts'
import { defineTool, type ToolContext } from '../tool.ts'
import { ToolError } from '../tool-error.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** As types, not `anyOf`: more agents understand it. */
const AttributeValue = Type.Unsafe<string | number | boolean>({
  type: ['string', 'number', 'boolean'],
  maxLength: 1024,
})

type SearchFilters = SpanFilters & { readonly query?: string; readonly value?: string }

export const searchTraces = defineTool({
  name: 'search_traces',
  title: 'Search traces',
  description:
    'Finds traces, newest first. Give value (an order id, a message key, any business id), or simple filters, or a TraceQL query. All simple filters apply to the same span. Continue with get_flow (why was it slow, what did it cause) or get_trace.',
  arguments: {
    value: nameArgument(
      'A business id such as an order number. Searched as message key, and in the attributes whose names end in id, key or number.',
    ),
    query: nameArgument(
      'TraceQL instead of the other filters: { resource.service.name = "orders" && status = error }, { name = "POST /orders" } ->> { duration > 1s } (downstream over links), { .order.id = "7" }.',
      4096,
    ),
    service: nameArgument('Service name, exact.'),
    name: nameArgument('Span name, exact.'),
    topic: nameArgument('Topic of the messages of a span, exact.'),
    attributes: Type.Optional(
      Type.Unsafe<Readonly<Record<string, string | number | boolean>>>({
        type: 'object',
        additionalProperties: AttributeValue,
        maxProperties: 8,
        description: 'Attributes of the span or its resource, exact: {"order.id": "7"}.',
      }),
    ),
    minDuration: durationArgument('Spans that took at least this long: "500ms", "2s".'),
    errorsOnly: Type.Optional(Type.Boolean({ description: 'Only failed spans.' })),
    limit: countArgument(MAX_LIMIT, DEFAULT_LIMIT, 'Traces to list.'),
    ...timeArguments,
  },
  run: async (args, context) => {
    const { limit = DEFAULT_LIMIT } = args
    const window = resolveWindow(args, context.nowMs)
    const q = args.query === undefined ? await buildQuery(args, window, context) : useQuery(args)
    const range = { start: window.start, end: window.end }
    const found = await context.read<TracesResponse>('/api/traces', { q, ...range, limit })
    const { traces } = found
    const hasMore = found.nextCursor !== undefined && traces.length >= limit
    const [slowest] = traces.toSorted((a, b) => Number(b.durationNano) - Number(a.durationNano))
    return {
      headline:
        slowest === undefined
          ? `No trace matches ${quote(q, 300)}${found.complete ? '' : ' in the part that was searched'}.`
          : `${hasMore ? `${traces.length} newest of more` : formatCount(traces.length, 'trace')} ${traces.length === 1 && !hasMore ? 'matches' : 'match'}; the slowest is ${slowest.traceId} with ${formatDuration(slowest.durationNano)}.`,
      lines: [`Query: ${quote(q, 900)}`, ...traces.flatMap(formatFound)],
      footer: [
        formatSearched(found, hasMore),
        ...(found.warnings ?? []).slice(0, 2).map((warning) => `Note: ${warning}`),
        `Page: ${context.pageUrl('', { q, ...(window.last === undefined ? range : { last: window.last }) })}`,
        ...(slowest === undefined ? [suggestOther(args)] : [`Next: get_flow with traceId "${slowest.traceId}".`]),
      ],
      narrow: 'add filters or lower limit',
    }
  },
})

function useQuery({ query = '', value, ...filters }: SearchFilters): string {
  const others = buildConditions(filters)
  if (value !== undefined || others.length > 0)
    throw new ToolError('Give query, or value and simple filters, not both: put the conditions into query.')
  return query
}

/** The filters as TraceQL. For `value`, stored attribute names that look like ids are looked up. */
async function buildQuery(filters: SearchFilters, window: TimeWindow, { read }: ToolContext): Promise<string> {
  const conditions = buildConditions(filters)
  if (filters.value === undefined) return conditions.length === 0 ? '{ }' : `{ ${conditions.join(' && ')} }`
  const { start, end } = window
  const names = await read<AttributesResponse>('/api/attributes', { scope: 'span', start, end, limit: 1000 })
  const fields = (names.attributes ?? []).map(({ key }) => key).filter(isBusinessId)
  return `{ ${[matchAnyField(fields.slice(0, MAX_ID_FIELDS), filters.value), ...conditions].join(' && ')} }`
}

/** Each is a condition of the query. */
const MAX_ID_FIELDS = 24

/** Namespaces of the semantic conventions whose ids are not those of the business. */
const TECHNICAL =
  /^(?:aws|azure|client|cloud|code|container|db|faas|gcp|host|http|k8s|kafka\.cluster|net|network|os|process|rpc|server|service|telemetry|thread|url|messaging\.(?:client|consumer|destination|kafka\.cluster))\./

/** `order.id`, `customerId`, `invoice_number`. */
function isBusinessId(key: string): boolean {
  return /(?:^|[._-])(?:id|key|number|uuid)$|[a-z](?:Id|Key|Number|Uuid)$/.test(key) && !TECHNICAL.test(key)
}

function formatFound(trace: FoundTrace): readonly string[] {
  const { traceId, rootService, rootName, rootMissing, startTimeUnixNano, durationNano, spanCount, errorCount } = trace
  const facts = joinFacts([
    formatTime(startTimeUnixNano),
    formatDuration(durationNano),
    formatCount(spanCount, 'span'),
    errorCount > 0 && formatCount(errorCount, 'error'),
    trace.linksOut > 0 && `${formatCount(trace.linksOut, 'link')} to causes`,
    trace.linksIn > 0 && `${formatCount(trace.linksIn, 'link')} from consumers`,
    rootMissing && 'root missing',
  ])
  const matches = (trace.matches ?? []).flatMap(({ spans, matched }) => {
    const lines = spans.map(({ spanId, service, name, status, durationNano: duration, attributes }) => {
      const values = attributes.slice(0, 6).map(({ field, value }) => `${quote(field, 60)}=${quote(value, 80)}`)
      return `  match: ${quote(service)} ${quote(name)} ${formatDuration(duration)}${status === 'error' ? ' ERROR' : ''} span ${spanId} ${values.join(' ')}`
    })
    return matched > spans.length ? [...lines, `  and ${matched - spans.length} more matching spans`] : lines
  })
  return [`trace ${traceId}: ${quote(rootService)} ${quote(rootName)}, ${facts}`, ...matches]
}

function suggestOther({ value, query }: SearchFilters): string {
  if (value !== undefined)
    return 'Next: widen since (for example "24h"), or search with attributes if the id is stored under a name that is not like an id.'
  return query === undefined ? 'Next: widen since, or drop a filter.' : 'Next: widen since, or relax the query.'
}
