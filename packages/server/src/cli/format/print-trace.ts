import type { Span, SpanLink, TraceResponse, TraceLink } from '@spanlink/api-schema'
import { clean, clock, columnsOf, duration, fit, linkFacts, plural, serviceColours, type Terminal } from './terminal.ts'
import { timeBar } from './time-bar.ts'
import { treeOf } from './span-tree.ts'

/** Links told one by one below a span; the rest is a number. */
const LINKS_SHOWN = 3

/** A trace as a waterfall, a line a span, with its links below each span. */
export function printTrace(
  trace: TraceResponse,
  linksIn: readonly TraceLink[],
  terminal: Terminal,
  spansAtMost: number,
): readonly string[] {
  const { paint } = terminal
  const colourOf = serviceColours()
  const start = least(trace.spans.map((span) => BigInt(span.startTimeUnixNano)))
  const end = most(trace.spans.map((span) => BigInt(span.endTimeUnixNano)))
  const rows = treeOf(trace.spans)
  const shown = rows.slice(0, spansAtMost)
  const timeWidth = 9
  const nameWidth = Math.min(
    Math.max(20, Math.floor(terminal.columns * 0.45)),
    shown.reduce((wide, { span, tree }) => Math.max(wide, columnsOf(`${tree}✗ ${labelOf(span)}`)), 0),
  )
  const axis = { start, end, width: Math.max(8, terminal.columns - nameWidth - timeWidth - 3) }
  const inOf = Map.groupBy(linksIn, (link) => link.spanId)
  const lines = [...headOf(trace, start, end, terminal), '']
  for (const { span, tree, below } of shown) {
    const colour = colourOf(span.service)
    const isError = span.status.code === 'error'
    const mark = isError ? '✗ ' : ''
    const own = fit(`${mark}${labelOf(span)}`, nameWidth - columnsOf(tree))
    const service = clean(span.service).length + mark.length
    const name = isError ? paint(own, 'red') : paint(own.slice(0, service), colour) + own.slice(service)
    const [before, bar, behind] = timeBar(axis, BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano))
    const length = duration(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)).padStart(timeWidth)
    lines.push(`${paint(tree, 'dim')}${name} ${before}${paint(bar, isError ? 'red' : colour)}${behind} ${length}`)
    for (const note of notesOf(span, inOf.get(span.spanId) ?? [])) {
      lines.push(paint(fit(`${below}  ${note}`, terminal.columns).trimEnd(), 'dim'))
    }
  }
  if (rows.length > shown.length)
    lines.push('', `${plural(rows.length - shown.length, 'more span')}: --limit shows more, --all all.`)
  if (trace.truncated) lines.push('', 'The trace has more spans than one answer holds; these are the earliest.')
  return lines
}

function headOf(trace: TraceResponse, start: bigint, end: bigint, { paint }: Terminal): readonly string[] {
  const errors = trace.spans.filter((span) => span.status.code === 'error').length
  const services = new Set(trace.spans.map((span) => span.service)).size
  const out = trace.spans.reduce((sum, span) => sum + span.links.length, 0)
  const into = trace.spans.reduce((sum, span) => sum + span.backlinkCount, 0)
  const inside = trace.spans.flatMap((span) => span.links).filter((link) => link.traceId === trace.traceId).length
  const facts = [
    clock(String(start)),
    duration(end - start),
    plural(trace.spans.length, 'span'),
    plural(services, 'service'),
    ...linkFacts(into - inside, out - inside),
  ].join(' · ')
  return [
    paint(`Trace ${trace.traceId}`, 'bold'),
    facts + (errors === 0 ? '' : ` · ${paint(plural(errors, 'error'), 'red')}`),
  ]
}

function labelOf(span: Span): string {
  return `${clean(span.service)} ${clean(span.name)}`
}

/**
 * `←` is where a message came from (a link that the span carries), `→` where it went (links to the
 * span).
 */
function notesOf(span: Span, linksIn: readonly TraceLink[]): readonly string[] {
  const notes = span.status.code === 'error' && span.status.message !== '' ? [`✗ ${clean(span.status.message)}`] : []
  for (const link of span.links.slice(0, LINKS_SHOWN)) notes.push(`← ${otherEnd(link, link.target)}`)
  if (span.links.length > LINKS_SHOWN) notes.push(`← ${span.links.length - LINKS_SHOWN} more out`)
  if (span.backlinkCount > 0) notes.push(`→ ${span.backlinkCount} in`)
  for (const link of linksIn.slice(0, LINKS_SHOWN)) {
    notes.push(`  → ${otherEnd({ ...link, traceId: link.peerTraceId }, link.peer)}`)
  }
  return notes
}

function otherEnd(link: Pick<SpanLink, 'traceId' | 'queueTimeNano'>, end: SpanLink['target']): string {
  const queued = link.queueTimeNano === null ? '' : ` · queued ${duration(link.queueTimeNano)}`
  const skewed = link.queueTimeNano?.startsWith('-') === true ? ' (clock skew)' : ''
  const name = end === null ? 'a span that is not here' : `${clean(end.service)} ${clean(end.name)}`
  return `${name}${queued}${skewed} · trace ${link.traceId}`
}

function least(times: readonly bigint[]): bigint {
  return times.reduce((best, time) => (time < best ? time : best), times[0] ?? 0n)
}

function most(times: readonly bigint[]): bigint {
  return times.reduce((best, time) => (time > best ? time : best), times[0] ?? 0n)
}
