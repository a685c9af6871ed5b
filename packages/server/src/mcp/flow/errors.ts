import type { FlowLane, FlowResponse, Span, TraceResponse } from '@spanlink/api-schema'
import type { ReadApi } from '../read-api.ts'
import { formatValue } from '../text/attributes.ts'
import { formatCount, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatSpanIds } from '../text/record.ts'
import { ToolError } from '../tool-error.ts'

/** Each is a request: the flow has no messages of errors. */
const MAX_READ_TRACES = 3
const MAX_ERRORS_PER_TRACE = 5
/** Lanes this large are not read for their errors. */
const MAX_LANE_SPANS = 2000

/** Failed spans of the flow, with their messages for the first traces. */
export async function formatErrors({ lanes }: FlowResponse, read: ReadApi): Promise<readonly string[]> {
  const failed = lanes.filter(({ errorCount }) => errorCount > 0)
  if (failed.length === 0) return []
  const readable = failed.filter(({ spanCount }) => spanCount <= MAX_LANE_SPANS)
  const traceIds = [...new Set(readable.map(({ traceId }) => traceId))].slice(0, MAX_READ_TRACES)
  const traces = await Promise.all(traceIds.map((id) => readTrace(read, id)))
  const rest = failed.filter(({ traceId }) => !traceIds.includes(traceId))
  return [
    'Errors:',
    ...traces.flatMap((trace) => (trace === undefined ? [] : formatFailedSpans(trace))),
    ...rest.map((lane) => `  ${formatFailedLane(lane)}`),
  ]
}

/** A trace that is deleted meanwhile, or too large, has no messages. */
async function readTrace(read: ReadApi, traceId: string): Promise<TraceResponse | undefined> {
  try {
    return await read<TraceResponse>(`/api/traces/${traceId}`)
  } catch (error) {
    if (error instanceof ToolError) return undefined
    throw error
  }
}

function formatFailedSpans({ traceId, spans }: TraceResponse): readonly string[] {
  // Those with a message first: parents often fail without one.
  const failed = spans.filter(({ status }) => status.code === 'error')
  const sorted = failed.toSorted((a, b) => Number(findMessage(a) === '') - Number(findMessage(b) === ''))
  const lines = sorted.slice(0, MAX_ERRORS_PER_TRACE).map((span) => {
    const facts = joinFacts([`${quote(span.service)} ${quote(span.name)}`, formatSpanIds(traceId, span.spanId)])
    const message = findMessage(span)
    return `  ${facts}${message === '' ? '' : `: ${quote(message, 300)}`}`
  })
  const more = sorted.length - lines.length
  return more > 0 ? [...lines, `  and ${formatCount(more, 'more failed span')} of trace ${traceId}`] : lines
}

function formatFailedLane({ rootService, rootName, errorCount, traceId }: FlowLane): string {
  return `${quote(rootService)} ${quote(rootName)}, ${formatCount(errorCount, 'failed span')}, trace ${traceId}`
}

/** The last exception, else the status message. */
function findMessage({ events, status }: Span): string {
  const exception = events.findLast(({ name }) => name === 'exception')
  const values = new Map(exception?.attributes.map(({ key, value }) => [key, formatValue(value)]))
  const parts = [values.get('exception.type'), values.get('exception.message')].filter(Boolean)
  return parts.length === 0 ? status.message : parts.join(': ')
}
