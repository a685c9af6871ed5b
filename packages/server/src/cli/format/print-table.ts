import type { FoundTrace, TopologyResponse, TopologyLag } from '@spanlink/api-schema'
import { clean, clock, columnsOf, duration, fit, linkFacts, plural, serviceColours, type Terminal } from './terminal.ts'
import { partialNote } from './partial-note.ts'

type Colour = ReturnType<typeof serviceColours>

/** A trace of a search in one line, and below it the spans that matched. */
export function printFound(trace: FoundTrace, terminal: Terminal, colourOf: Colour): readonly string[] {
  const { paint } = terminal
  const facts = [plural(trace.spanCount, 'span'), ...linkFacts(trace.linksIn, trace.linksOut)].join(' · ')
  const errors = trace.errorCount === 0 ? '' : ` · ${paint(plural(trace.errorCount, 'error'), 'red')}`
  const name = `${clean(trace.rootName)}${trace.rootMissing ? ' (root missing)' : ''}`
  const lines = [
    [
      trace.traceId,
      clock(trace.startTimeUnixNano),
      duration(trace.durationNano).padStart(9),
      `${paint(clean(trace.rootService), colourOf(trace.rootService))} ${name}`,
      paint(facts, 'dim') + errors,
    ].join('  '),
  ]
  for (const { group, matched, spans } of trace.matches ?? []) {
    const by = group.map(({ field, value }) => `${clean(field)} = ${value === null ? 'nil' : clean(value)}`)
    if (by.length > 0) lines.push(paint(`    ${by.join(', ')} · ${matched} matched`, 'dim'))
    for (const span of spans) {
      const values = span.attributes.map(({ field, value }) => `${clean(field)}=${clean(value)}`).join(' ')
      const mark = span.status === 'error' ? '✗ ' : ''
      const text = `    ${span.spanId} ${mark}${clean(span.service)} ${clean(span.name)} ${duration(span.durationNano)} ${values}`
      lines.push(paint(fit(text, terminal.columns).trimEnd(), span.status === 'error' ? 'red' : 'dim'))
    }
    if (matched > spans.length) lines.push(paint(`    ${plural(matched - spans.length, 'more span')} matched`, 'dim'))
  }
  return lines
}

/** Edges of the topology as a table, busiest first. */
export function printTopology(answer: TopologyResponse, terminal: Terminal): readonly string[] {
  const names = new Map(answer.nodes.map((node) => [node.id, `${node.type} ${clean(node.name)}`]))
  const hasLag = answer.edges.some((edge) => edge.lag !== undefined)
  const head = ['FROM', 'TO', 'RATE', 'ERRORS', 'TIME p95', 'QUEUE p50', 'p95', 'p99', ...(hasLag ? ['LAG'] : [])]
  const rows = answer.edges.map((edge) => {
    const topic = edge.type === 'consume' && edge.topic !== undefined ? ` (${clean(edge.topic)})` : ''
    const queue = edge.queueTime
    const share = edge.count === 0 ? 0 : (edge.errorCount / edge.count) * 100
    return [
      names.get(edge.from) ?? clean(edge.from),
      `${names.get(edge.to) ?? clean(edge.to)}${topic}`,
      `${edge.sampled ? '~' : ''}${edge.rate >= 10 ? edge.rate.toFixed(0) : edge.count === 0 ? '0' : edge.rate.toPrecision(2)}/s`,
      edge.errorCount === 0 ? '-' : `${share.toFixed(1)} %`,
      edge.count === 0 ? '-' : duration(edge.duration.p95),
      ...(queue === undefined ? ['-', '-', '-'] : [queue.p50, queue.p95, queue.p99].map(duration)),
      ...(hasLag ? [lagText(edge.lag)] : []),
    ]
  })
  const span = `${clock(answer.startTimeUnixNano)} to ${clock(answer.endTimeUnixNano)}`
  if (rows.length === 0) return [`No service called another or used a topic from ${span}.`]
  const counted = `${plural(answer.nodes.length, 'node')}, ${plural(answer.edges.length, 'edge')}`
  return [
    terminal.paint(`Topology, ${counted}`, 'bold'),
    span,
    '',
    ...tableOf([head, ...rows], terminal),
    ...(answer.complete
      ? []
      : answer.missingParts
        ? ['', partialNote(answer)]
        : ['', 'There are more edges; the quietest are left out. Choose a shorter time range.']),
  ]
}

function lagText(lag: TopologyLag | undefined): string {
  if (lag === undefined) return '-'
  const messages = lag.messages.toLocaleString('en')
  return lag.stale ? `${messages} at ${clock(lag.timeUnixNano)}` : messages
}

/**
 * The first two columns are text and give way where the terminal is narrow; the rest are numbers.
 */
function tableOf(rows: readonly (readonly string[])[], terminal: Terminal): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => rows.reduce((wide, row) => Math.max(wide, columnsOf(row[at] ?? '')), 0))
  const numbers = widths.slice(2).reduce((sum, width) => sum + width + 2, 0)
  const room = Math.max(16, Math.floor((terminal.columns - numbers - 2) / 2))
  return rows.map((row, line) => {
    const cells = row.map((cell, at) => {
      const width = widths[at] ?? 0
      return at < 2 ? fit(cell, Math.min(width, room)) : ' '.repeat(width - columnsOf(cell)) + cell
    })
    return line === 0 ? terminal.paint(cells.join('  '), 'dim') : cells.join('  ')
  })
}
