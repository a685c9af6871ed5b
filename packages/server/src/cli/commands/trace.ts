import type { LinksResponse, TraceResponse } from '@spanlink/api-schema'
import { askServer } from '../api-client.ts'
import { parseClientArgs, traceIdOf } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { printTrace } from '../format/print-trace.ts'
import { ROWS_SHOWN, rowsShown } from '../format/rows-shown.ts'
import { terminalOf } from '../format/terminal.ts'

const LINKS_ASKED = 1000

export const traceCommand: Command = {
  asks: 'server',
  summary: 'a trace as a waterfall, with its links in both directions',
  help: `A trace as a waterfall, with its links in both directions.

Usage: spanlink trace ID [options]

  ←             where a message came from: a link that the span carries
  → 2 in        two links, of spans in other traces, point at the span
  --limit N     spans drawn (default: the first ${ROWS_SHOWN} in a terminal, otherwise all)
  --all         every span
${COMMON_HELP}`,
  run: async (args, out) => {
    const flags = { all: { type: 'boolean' }, limit: { type: 'string' } } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The trace id' })
    const most = rowsShown(options, process.stdout)
    const id = traceIdOf(options.positionals[0])
    const trace = await askServer<TraceResponse>(options.url, `/api/traces/${id}`)
    if (options.json) {
      out.line(JSON.stringify(trace))
      return 0
    }
    const isLinkedTo = trace.spans.some((span) => span.backlinkCount > 0)
    const links = isLinkedTo
      ? await askServer<LinksResponse>(options.url, `/api/traces/${id}/links`, { direction: 'in', limit: LINKS_ASKED })
      : { links: [] }
    for (const line of printTrace(trace, links.links, terminalOf(process.stdout, process.env), most)) out.line(line)
    return 0
  },
}
