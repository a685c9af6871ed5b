import type { LinksResponse, Span, SpanLink, TraceLink, TraceResponse } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { findParents } from '../../query/traces/span-parents.ts'
import { spanIdArgument, traceIdArgument } from '../input/shared.ts'
import type { Answer } from '../text/answer.ts'
import { formatCount, formatDuration, formatTime, joinFacts } from '../text/format.ts'
import { formatAttribute } from '../text/attributes.ts'
import { quote } from '../text/quote.ts'
import { formatRecord, formatSpanIds } from '../text/record.ts'
import { defineTool, type ToolContext } from '../tool.ts'
import { ToolError, TooLargeError } from '../tool-error.ts'

const MAX_LINKS = 200
/** Links below a span; the rest is counted. */
const MAX_SPAN_LINKS = 5
/** Deeper spans are not indented further. */
const MAX_INDENT = 20

export const getTrace = defineTool({
  name: 'get_trace',
  title: 'Get trace',
  description:
    'One trace as a tree of spans with durations and errors, the messages that it consumed (←) and the consumers of its messages (→). With spanId: that span only, with all attributes and events. For what happened over all topics use get_flow.',
  arguments: {
    traceId: traceIdArgument('Trace id, 32 hex digits.'),
    spanId: spanIdArgument('Only this span, with attributes, events, resource and links.'),
    attributes: Type.Optional(Type.Boolean({ description: 'List the attributes of every span. Default false.' })),
  },
  run: async ({ traceId, spanId, attributes = false }, context) => {
    const id = traceId.toLowerCase()
    const trace = await readTrace(id, context)
    const hasBacklinks = trace.spans.some(({ backlinkCount }) => backlinkCount > 0)
    const { links } = hasBacklinks
      ? await context.read<LinksResponse>(`/api/traces/${id}/links`, { direction: 'in', limit: MAX_LINKS })
      : { links: [] }
    const incoming = Map.groupBy(links, (link) => link.spanId)
    if (spanId !== undefined) return describeSpan(trace, spanId.toLowerCase(), incoming, context)
    return describeTrace(trace, incoming, attributes, context)
  },
})

async function readTrace(id: string, { read }: ToolContext): Promise<TraceResponse> {
  try {
    return await read<TraceResponse>(`/api/traces/${id}`)
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error
    const query = `{ trace:id = "${id}" && status = error }`
    throw new ToolError(`Trace ${id} is too large to list: use get_flow, or search_traces with query ${query}.`)
  }
}

type Incoming = ReadonlyMap<string, readonly TraceLink[]>

function describeTrace(
  trace: TraceResponse,
  incoming: Incoming,
  withAttributes: boolean,
  context: ToolContext,
): Answer {
  const { traceId, spans } = trace
  const start = spans.reduce(
    (min, span) => (BigInt(span.startTimeUnixNano) < min ? BigInt(span.startTimeUnixNano) : min),
    BigInt(spans[0]?.startTimeUnixNano ?? 0),
  )
  const end = spans.reduce(
    (max, span) => (BigInt(span.endTimeUnixNano) > max ? BigInt(span.endTimeUnixNano) : max),
    start,
  )
  const errors = spans.filter((span) => span.status.code === 'error')
  const tree = layOutTree(spans)
  const [root] = tree
  return {
    headline: `Trace ${traceId}: ${quote(root?.span.service ?? '')} ${quote(root?.span.name ?? '')} took ${formatDuration(end - start)}, ${formatCount(spans.length, 'span')} of ${formatCount(new Set(spans.map(({ service }) => service)).size, 'service')}, ${errors.length === 0 ? 'no errors' : formatCount(errors.length, 'error')}.`,
    lines: [
      `Started ${formatTime(start)}. Spans as: + offset, duration, service, name.`,
      ...tree.flatMap(({ span, depth }) => {
        const indent = '  '.repeat(Math.min(depth, MAX_INDENT))
        return [
          `${indent}${formatSpan(span, start)}`,
          ...(withAttributes ? span.attributes.map((one) => `${indent}    ${formatAttribute(one)}`) : []),
          ...formatLinks(span, incoming).map((line) => `${indent}    ${line}`),
        ]
      }),
    ],
    footer: [
      ...(trace.truncated
        ? ['PARTIAL: the trace has more spans than one response holds; these are the earliest.']
        : []),
      ...(trace.missingParts ? ['PARTIAL: some stored data of the trace is unreadable.'] : []),
      `Page: ${context.pageUrl(`trace/${traceId}`)}`,
      `Next: get_flow with traceId "${traceId}" for causes and effects over topics, search_logs with this traceId, or get_trace with spanId for attributes.`,
    ],
    narrow: 'ask for one span with spanId',
  }
}

function describeSpan(trace: TraceResponse, spanId: string, incoming: Incoming, { pageUrl }: ToolContext): Answer {
  const found = trace.spans.filter((span) => span.spanId === spanId)
  const [first] = found
  if (first === undefined)
    throw new ToolError(`Trace ${trace.traceId} has no span ${spanId}: get_trace without spanId lists its spans.`)
  const start = BigInt(first.startTimeUnixNano)
  return {
    headline: `Span ${spanId} of trace ${trace.traceId}: ${quote(first.service)} ${quote(first.name)} took ${formatDuration(BigInt(first.endTimeUnixNano) - start)}${first.status.code === 'error' ? `, ERROR ${quote(first.status.message)}` : ''}.`,
    lines: found.flatMap((span) => [
      `Started ${formatTime(span.startTimeUnixNano)}. ${formatSpan(span, start)}`,
      ...(span.parentSpanId === '' ? [] : [`Parent: span ${span.parentSpanId}`]),
      ...formatLinks(span, incoming, Infinity),
      ...span.attributes.map((one) => `attribute ${formatAttribute(one)}`),
      ...span.events.flatMap((event) => [
        `event ${quote(event.name)} at +${formatDuration(BigInt(event.timeUnixNano) - start)}`,
        ...event.attributes.map((one) => `  ${formatAttribute(one, 600)}`),
      ]),
      ...(trace.sources[span.source]?.resource.attributes ?? []).map((one) => `resource ${formatAttribute(one)}`),
    ]),
    footer: [
      `Page: ${pageUrl(`trace/${trace.traceId}`, { span: spanId })}`,
      `Next: get_flow with traceId "${trace.traceId}" and spanId "${spanId}", or search_logs with both.`,
    ],
    narrow: 'use search_traces with attributes for single values',
  }
}

function formatSpan(span: Span, traceStart: bigint): string {
  const start = BigInt(span.startTimeUnixNano)
  const { code, message } = span.status
  return joinFacts([
    `+${formatDuration(start - traceStart)} ${formatDuration(BigInt(span.endTimeUnixNano) - start)} ${quote(span.service)} ${quote(span.name)}`,
    span.kind !== 'internal' && span.kind !== 'unspecified' && span.kind,
    code === 'error' && `ERROR${message === '' ? '' : ` ${quote(message)}`}`,
    span.record !== undefined && formatRecord(span.record),
    span.queueTimeNano !== undefined && `queue time ${formatDuration(span.queueTimeNano)}`,
    `span ${span.spanId}`,
  ])
}

function formatLinks(span: Span, incoming: Incoming, most = MAX_SPAN_LINKS): readonly string[] {
  const sources = span.links
    .slice(0, most)
    .map((link) => `← from ${formatEnd(link.traceId, link.spanId, link.target, link)}`)
  const known = incoming.get(span.spanId) ?? []
  const targets = known
    .slice(0, most)
    .map((link) => `→ to ${formatEnd(link.peerTraceId, link.peerSpanId, link.peer, link)}`)
  const shown = targets.length
  return [
    ...sources,
    ...(span.links.length > sources.length
      ? [`← and ${formatCount(span.links.length - sources.length, 'more link')}`]
      : []),
    ...targets,
    ...(span.backlinkCount > shown ? [`→ and ${formatCount(span.backlinkCount - shown, 'more link')}`] : []),
  ]
}

function formatEnd(
  traceId: string,
  spanId: string,
  end: SpanLink['target'],
  { record, queueTimeNano }: Pick<SpanLink, 'record' | 'queueTimeNano'>,
): string {
  return joinFacts([
    end === null ? 'a span that is not stored' : `${quote(end.service)} ${quote(end.name)}`,
    end?.status === 'error' && 'ERROR',
    formatRecord(record),
    queueTimeNano !== null && `queue time ${formatDuration(queueTimeNano)}`,
    formatSpanIds(traceId, spanId),
  ])
}

type TreeRow = { readonly span: Span; readonly depth: number }

/** Spans below their parents, in order of start; without recursion, as traces may be deep. */
function layOutTree(spans: readonly Span[]): readonly TreeRow[] {
  const parents = findParents(spans)
  const children = new Map<number, number[]>()
  for (const index of spans.keys()) {
    const parent = Math.max(parents[index] ?? -1, -1)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [index])
    else siblings.push(index)
  }
  const rows: TreeRow[] = []
  const stack = (children.get(-1) ?? []).toReversed().map((index) => ({ index, depth: 0 }))
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { index, depth } = top
    const span = spans[index]
    if (span !== undefined) rows.push({ span, depth })
    for (const child of (children.get(index) ?? []).toReversed()) stack.push({ index: child, depth: depth + 1 })
  }
  return rows
}
