import { describe, type LogRecord, type LogsResponse, Severity } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { countArgument, nameArgument, spanIdArgument, traceIdArgument } from '../input/shared.ts'
import { resolveWindow, timeArguments } from '../input/time-window.ts'
import { formatCount, formatTime, joinFacts } from '../text/format.ts'
import { formatAttribute, formatValue } from '../text/attributes.ts'
import { quote } from '../text/quote.ts'
import { formatSpanIds } from '../text/record.ts'
import { formatSearched } from '../text/searched.ts'
import { defineTool } from '../tool.ts'
import { ToolError } from '../tool-error.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500
const MAX_BODY_CHARS = 400
const MAX_ATTRIBUTES = 8

export const searchLogs = defineTool({
  name: 'search_logs',
  title: 'Search logs',
  description:
    'Log records that match all conditions, newest first. With traceId: the logs of that trace at any time, unless a range is given.',
  arguments: {
    text: nameArgument('Text in the body, ignoring case of ASCII letters.', 1024),
    severity: Type.Optional(describe('Lowest severity.', Severity)),
    service: nameArgument('Service name, exact.'),
    traceId: Type.Optional(traceIdArgument('Trace id, 32 hex digits.')),
    spanId: spanIdArgument('Span id, 16 hex digits. Only with traceId.'),
    attribute: nameArgument('Attribute of the record or resource: "key=value", or "key" for any value.', 1024),
    order: Type.Optional(Type.Enum(['newest', 'oldest'], { description: 'Default "newest".' })),
    limit: countArgument(MAX_LIMIT, DEFAULT_LIMIT, 'Records to list.'),
    ...timeArguments,
  },
  run: async (args, context) => {
    const { text, severity, service, traceId, spanId, attribute, order, limit = DEFAULT_LIMIT } = args
    if (spanId !== undefined && traceId === undefined) throw new ToolError('spanId needs traceId.')
    const isTimed = [args.since, args.start, args.end].some((value) => value !== undefined)
    const window = traceId !== undefined && !isTimed ? undefined : resolveWindow(args, context.nowMs)
    const filters = { severity, service, traceId, spanId, attribute }
    const range = { start: window?.start, end: window?.end }
    const found = await context.read<LogsResponse>('/api/logs', { q: text, ...filters, ...range, order, limit })
    const errors = found.logs.filter(({ severityNumber }) => severityNumber >= 17).length
    const hasMore = found.nextCursor !== undefined && found.logs.length >= limit
    const traced = found.logs.find((log) => log.traceId !== '')
    return {
      headline:
        found.logs.length === 0
          ? `No log record matches${found.complete ? '' : ' in the part that was searched'}.`
          : `${hasMore ? `${found.logs.length} ${order ?? 'newest'} of more log records` : formatCount(found.logs.length, 'log record')}, ${errors === 0 ? 'none of severity error' : `${errors} of severity error or fatal`}.`,
      lines: found.logs.map(formatLog),
      footer: [
        formatSearched(found, hasMore),
        `Page: ${context.pageUrl('logs', { q: text, ...filters, last: window?.last })}`,
        ...(traced === undefined ? [] : [`Next: get_trace or get_flow with traceId "${traced.traceId}".`]),
      ],
      narrow: 'add filters or lower limit',
    }
  },
})

function formatLog(log: LogRecord): string {
  const { timestampUnixNano, severityText, severityNumber, service, body, attributes, traceId, spanId, eventName } = log
  const severity = severityText === '' ? (SEVERITIES[Math.ceil(severityNumber / 4) - 1] ?? '-') : severityText
  const shown = attributes.slice(0, MAX_ATTRIBUTES).map((one) => formatAttribute(one, 100))
  const more = attributes.length > shown.length ? ` and ${attributes.length - shown.length} more attributes` : ''
  return joinFacts([
    `${formatTime(timestampUnixNano)} ${quote(severity, 20)} ${quote(service)}${eventName === '' ? '' : ` event ${quote(eventName)}`}: ${quote(formatValue(body), MAX_BODY_CHARS)}`,
    traceId !== '' && formatSpanIds(traceId, spanId),
    `${shown.join(' ')}${more}`,
  ])
}

const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
