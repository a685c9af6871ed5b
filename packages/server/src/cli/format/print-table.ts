import type { FoundTrace, TopologyResponse, TopologyLag } from '@spanlink/api-schema'
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
import { formatPartialNote } from './partial-note.ts'

type ColourPicker = ReturnType<typeof createColourPicker>

/** One line for the trace, then one for each matched span. */
export function printFound(trace: FoundTrace, terminal: Terminal, pickColour: ColourPicker): readonly string[] {
  const { paint } = terminal
  const facts = [formatCount(trace.spanCount, 'span'), ...formatLinkCounts(trace.linksIn, trace.linksOut)].join(' · ')
  const errors = trace.errorCount === 0 ? '' : ` · ${paint(formatCount(trace.errorCount, 'error'), 'red')}`
  const name = `${sanitize(trace.rootName)}${trace.rootMissing ? ' (root missing)' : ''}`
  const lines = [
    [
      trace.traceId,
      formatTime(trace.startTimeUnixNano),
      formatDuration(trace.durationNano).padStart(9),
      `${paint(sanitize(trace.rootService), pickColour(trace.rootService))} ${name}`,
      paint(facts, 'dim') + errors,
    ].join('  '),
  ]
  for (const { group, matched, spans } of trace.matches ?? []) {
    const by = group.map(({ field, value }) => `${sanitize(field)} = ${value === null ? 'nil' : sanitize(value)}`)
    if (by.length > 0) lines.push(paint(`    ${by.join(', ')} · ${matched} matched`, 'dim'))
    for (const span of spans) {
      const values = span.attributes.map(({ field, value }) => `${sanitize(field)}=${sanitize(value)}`).join(' ')
      const mark = span.status === 'error' ? '✗ ' : ''
      const text = `    ${span.spanId} ${mark}${sanitize(span.service)} ${sanitize(span.name)} ${formatDuration(span.durationNano)} ${values}`
      lines.push(paint(fitToWidth(text, terminal.columns).trimEnd(), span.status === 'error' ? 'red' : 'dim'))
    }
    if (matched > spans.length)
      lines.push(paint(`    ${formatCount(matched - spans.length, 'more span')} matched`, 'dim'))
  }
  return lines
}

/** Edges as a table, in the order of the response: busiest first. */
export function printTopology(response: TopologyResponse, terminal: Terminal): readonly string[] {
  const names = new Map(response.nodes.map((node) => [node.id, `${node.type} ${sanitize(node.name)}`]))
  const hasLag = response.edges.some((edge) => edge.lag !== undefined)
  const head = ['FROM', 'TO', 'RATE', 'ERRORS', 'TIME p95', 'QUEUE p50', 'p95', 'p99', ...(hasLag ? ['LAG'] : [])]
  const rows = response.edges.map((edge) => {
    const topic = edge.type === 'consume' && edge.topic !== undefined ? ` (${sanitize(edge.topic)})` : ''
    const queue = edge.queueTimeNano
    const share = edge.count === 0 ? 0 : (edge.errorCount / edge.count) * 100
    return [
      names.get(edge.from) ?? sanitize(edge.from),
      `${names.get(edge.to) ?? sanitize(edge.to)}${topic}`,
      `${edge.sampled ? '~' : ''}${edge.ratePerSecond >= 10 ? edge.ratePerSecond.toFixed(0) : edge.count === 0 ? '0' : edge.ratePerSecond.toPrecision(2)}/s`,
      edge.errorCount === 0 ? '-' : `${share.toFixed(1)} %`,
      edge.count === 0 ? '-' : formatDuration(edge.durationNano.p95),
      ...(queue === undefined ? ['-', '-', '-'] : [queue.p50, queue.p95, queue.p99].map(formatDuration)),
      ...(hasLag ? [formatLag(edge.lag)] : []),
    ]
  })
  const span = `${formatTime(response.startTimeUnixNano)} to ${formatTime(response.endTimeUnixNano)}`
  if (rows.length === 0) return [`No service called another or used a topic from ${span}.`]
  const counted = `${formatCount(response.nodes.length, 'node')}, ${formatCount(response.edges.length, 'edge')}`
  return [
    terminal.paint(`Topology, ${counted}`, 'bold'),
    span,
    '',
    ...alignTable([head, ...rows], terminal),
    ...(response.complete
      ? []
      : response.missingParts
        ? ['', formatPartialNote(response)]
        : ['', 'Only the busiest edges are shown. Choose a shorter time range.']),
  ]
}

function formatLag(lag: TopologyLag | undefined): string {
  if (lag === undefined) return '-'
  const messages = lag.messages.toLocaleString('en')
  return lag.stale ? `${messages} at ${formatTime(lag.timeUnixNano)}` : messages
}

/** The first two columns are text and shrink in a narrow terminal; the rest are numbers. */
function alignTable(rows: readonly (readonly string[])[], terminal: Terminal): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    rows.reduce((wide, row) => Math.max(wide, measureWidth(row[at] ?? '')), 0),
  )
  const numbers = widths.slice(2).reduce((sum, width) => sum + width + 2, 0)
  const room = Math.max(16, Math.floor((terminal.columns - numbers - 2) / 2))
  return rows.map((row, line) => {
    const cells = row.map((cell, at) => {
      const width = widths[at] ?? 0
      return at < 2 ? fitToWidth(cell, Math.min(width, room)) : ' '.repeat(width - measureWidth(cell)) + cell
    })
    return line === 0 ? terminal.paint(cells.join('  '), 'dim') : cells.join('  ')
  })
}
