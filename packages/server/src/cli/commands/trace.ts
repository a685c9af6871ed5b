import process from 'node:process'
import type { LinksResponse, TraceResponse } from '@spanlink/api-schema'
import { fetchJson } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { printTrace } from '../format/print-trace.ts'
import { UNREADABLE_NOTE } from '../format/partial-note.ts'
import { MAX_TERMINAL_ROWS, rowLimitParser, selectRowLimit } from '../format/row-limit.ts'
import { detectTerminal } from '../format/terminal.ts'
import { traceIdParser } from '../parsers.ts'

const MAX_LINKS = 1000

export const traceCommand = defineClientCommand({
  summary: 'shows a trace as a waterfall, with its links in both directions',
  usage: ['trace ID [options]'],
  notes: `  ←              the source of a message: a link of this span
  → 2 links in   two spans of other traces link to this span`,
  positionals: { name: 'ID', min: 1, max: 1, parser: traceIdParser },
  flags: {
    limit: {
      value: 'N',
      parser: rowLimitParser,
      default: `${MAX_TERMINAL_ROWS} in a terminal, otherwise all`,
      description: 'spans to draw',
    },
    all: { description: 'draw all spans' },
  },
  run: async ({ server, json, limit, all }, [id = ''], out) => {
    const trace = await fetchJson<TraceResponse>(server, `/api/traces/${id}`)
    if (json) {
      out.line(JSON.stringify(trace))
      return 0
    }
    const hasBacklinks = trace.spans.some((span) => span.backlinkCount > 0)
    const { links } = hasBacklinks
      ? await fetchJson<LinksResponse>(server, `/api/traces/${id}/links`, { direction: 'in', limit: MAX_LINKS })
      : { links: [] }
    const terminal = detectTerminal(process.stdout, process.env)
    for (const line of printTrace(trace, links, terminal, selectRowLimit(limit, all, process.stdout))) out.line(line)
    if (trace.missingParts) out.note(`partial: ${UNREADABLE_NOTE}`)
    return 0
  },
})
