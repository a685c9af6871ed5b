import type { Span, SpanLink, TraceResponse, TraceLink } from '@spanlink/api-schema'
import {
  formatTime,
  measureWidth,
  formatDuration,
  fitToWidth,
  formatLinkCounts,
  formatCount,
  createColourPicker,
  type Terminal,
} from './terminal.ts'
import { sanitize } from '../../sanitize.ts'
import { drawTimeBar, findTimeRange } from './time-bar.ts'
import { layOutTree } from './span-tree.ts'

/** Links listed below a span; the rest is counted. */
const MAX_LINKS = 3

/** A trace as a waterfall, a line a span, with its links below each span. */
export function printTrace(
  trace: TraceResponse,
  linksIn: readonly TraceLink[],
  terminal: Terminal,
  maxSpans: number,
): readonly string[] {
  const { paint } = terminal
  const pickColour = createColourPicker()
  const { start, end } = findTimeRange(trace.spans)
  const rows = layOutTree(trace.spans)
  const shown = rows.slice(0, maxSpans)
  const timeWidth = 9
  const nameWidth = Math.min(
    Math.max(20, Math.floor(terminal.columns * 0.45)),
    shown.reduce((wide, { span, tree }) => Math.max(wide, measureWidth(`${tree}✗ ${formatLabel(span)}`)), 0),
  )
  const axis = { start, end, width: Math.max(8, terminal.columns - nameWidth - timeWidth - 3) }
  const linksInBySpan = Map.groupBy(linksIn, (link) => link.spanId)
  const lines = [...formatHeader(trace, start, end, terminal), '']
  for (const { span, tree, below } of shown) {
    const colour = pickColour(span.service)
    const isError = span.status.code === 'error'
    const mark = isError ? '✗ ' : ''
    const own = fitToWidth(`${mark}${formatLabel(span)}`, nameWidth - measureWidth(tree))
    const service = sanitize(span.service).length + mark.length
    const name = isError ? paint(own, 'red') : paint(own.slice(0, service), colour) + own.slice(service)
    const [before, bar, behind] = drawTimeBar(axis, BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano))
    const length = formatDuration(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)).padStart(timeWidth)
    lines.push(`${paint(tree, 'dim')}${name} ${before}${paint(bar, isError ? 'red' : colour)}${behind} ${length}`)
    for (const note of formatNotes(span, linksInBySpan.get(span.spanId) ?? [])) {
      lines.push(paint(fitToWidth(`${below}  ${note}`, terminal.columns).trimEnd(), 'dim'))
    }
  }
  if (rows.length > shown.length)
    lines.push('', `${formatCount(rows.length - shown.length, 'more span')}: --limit shows more, --all shows all.`)
  if (trace.truncated) lines.push('', 'The trace has more spans than one response holds; these are the earliest.')
  return lines
}

function formatHeader(trace: TraceResponse, start: bigint, end: bigint, { paint }: Terminal): readonly string[] {
  const errors = trace.spans.filter((span) => span.status.code === 'error').length
  const services = new Set(trace.spans.map((span) => span.service)).size
  const out = trace.spans.reduce((sum, span) => sum + span.links.length, 0)
  const into = trace.spans.reduce((sum, span) => sum + span.backlinkCount, 0)
  const inside = trace.spans.flatMap((span) => span.links).filter((link) => link.traceId === trace.traceId).length
  const facts = [
    formatTime(String(start)),
    formatDuration(end - start),
    formatCount(trace.spans.length, 'span'),
    formatCount(services, 'service'),
    ...formatLinkCounts(into - inside, out - inside),
  ].join(' · ')
  return [
    paint(`Trace ${trace.traceId}`, 'bold'),
    facts + (errors === 0 ? '' : ` · ${paint(formatCount(errors, 'error'), 'red')}`),
  ]
}

function formatLabel(span: Span): string {
  return `${sanitize(span.service)} ${sanitize(span.name)}`
}

/** `←` marks a link of the span: the source of a message. `→` marks a link to it. */
function formatNotes(span: Span, linksIn: readonly TraceLink[]): readonly string[] {
  const notes = span.status.code === 'error' && span.status.message !== '' ? [`✗ ${sanitize(span.status.message)}`] : []
  for (const link of span.links.slice(0, MAX_LINKS)) notes.push(`← ${formatLinkTarget(link, link.target)}`)
  if (span.links.length > MAX_LINKS) notes.push(`← ${formatCount(span.links.length - MAX_LINKS, 'more link')} out`)
  if (span.backlinkCount > 0) notes.push(`→ ${formatCount(span.backlinkCount, 'link')} in`)
  for (const link of linksIn.slice(0, MAX_LINKS)) {
    notes.push(`  → ${formatLinkTarget({ ...link, traceId: link.peerTraceId }, link.peer)}`)
  }
  return notes
}

function formatLinkTarget(link: Pick<SpanLink, 'traceId' | 'queueTimeNano'>, end: SpanLink['target']): string {
  const queueTime = link.queueTimeNano === null ? '' : ` · queue time ${formatDuration(link.queueTimeNano)}`
  const skewed = link.queueTimeNano?.startsWith('-') === true ? ' (clock skew)' : ''
  const name = end === null ? 'a span that is not stored' : `${sanitize(end.service)} ${sanitize(end.name)}`
  return `${name}${queueTime}${skewed} · trace ${link.traceId}`
}
