import type { TracesAnswer } from '@spanlink/contract'
import { askServer, exitCodes } from '../ask-server.ts'
import { countOf, parseClientArgs, timeOf } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { printFound } from '../print/print-table.ts'
import { serviceColours, terminalOf } from '../print/terminal.ts'

export const queryCommand: Command = {
  asks: 'server',
  summary: 'traces that match a TraceQL query, newest first',
  help: `Traces that match a TraceQL query, newest first.

Usage: spanlink query '{ status = error }' [options]

  --since TIME  spans that start then or later: 15m, 2h, 7d ago, or 2026-01-31T10:00Z
  --until TIME  spans that start before
  --limit N     traces (default 20, at most 500)
${COMMON_HELP}Exit code 3 also where no trace matches.
`,
  run: async (args, out) => {
    const flags = { since: { type: 'string' }, until: { type: 'string' }, limit: { type: 'string' } } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The query' })
    const answer = await askServer<TracesAnswer>(options.url, '/api/traces', {
      q: options.positionals[0],
      start: timeOf('--since', options.text('since')),
      end: timeOf('--until', options.text('until')),
      limit: countOf('--limit', options.text('limit'), 500) ?? 20,
    })
    if (options.json) {
      out.line(JSON.stringify(answer))
    } else {
      const terminal = terminalOf(process.stdout, process.env)
      const colourOf = serviceColours()
      for (const trace of answer.traces) for (const line of printFound(trace, terminal, colourOf)) out.line(line)
      if (answer.more) out.note('More traces match: --limit shows more, --since and --until others.')
      for (const cut of answer.cuts ?? []) out.note(cut)
    }
    if (answer.traces.length > 0) return 0
    if (!options.json) out.note('No trace matches.')
    return exitCodes.notFound
  },
}
