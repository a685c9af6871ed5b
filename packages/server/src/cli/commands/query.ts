import type { SeriesAnswer, TracesAnswer } from '@spanlink/contract'
import { parse } from '../../query/traceql/parse.ts'
import { askServer, exitCodes } from '../ask-server.ts'
import { type ClientArgs, countOf, parseClientArgs, timeOf } from '../client-options.ts'
import { COMMON_HELP, type Command, type Output } from '../command.ts'
import { printSeries } from '../print/print-series.ts'
import { printFound } from '../print/print-table.ts'
import { serviceColours, terminalOf } from '../print/terminal.ts'

export const queryCommand: Command = {
  asks: 'server',
  summary: 'traces that match a TraceQL query, newest first',
  help: `Traces that match a TraceQL query, newest first; of a metrics query, its series.

Usage: spanlink query '{ status = error }' [options]

  --since TIME  spans that start then or later: 15m, 2h, 7d ago, or 2026-01-31T10:00Z
  --until TIME  spans that start before
  --limit N     traces (default 20, at most 500)
  --step TIME   of a metrics query: the length of an interval (default: a sixtieth of the time)
${COMMON_HELP}Exit code 3 also where no trace matches.
`,
  run: async (args, out) => {
    const flags = {
      since: { type: 'string' },
      until: { type: 'string' },
      limit: { type: 'string' },
      step: { type: 'string' },
    } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The query' })
    if (isMetrics(options.positionals[0] ?? '')) return await showSeries(options, out)
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

/** What is no query at all is for the server to tell, with its place. */
function isMetrics(text: string): boolean {
  try {
    return parse(text).kind !== 'search'
  } catch {
    return false
  }
}

async function showSeries(options: ClientArgs, out: Output): Promise<number> {
  const answer = await askServer<SeriesAnswer>(options.url, '/api/traceql/series', {
    q: options.positionals[0],
    start: timeOf('--since', options.text('since')),
    end: timeOf('--until', options.text('until')),
    step: options.text('step'),
  })
  const shown = answer.series.filter(({ points }) => points.length > 0)
  if (options.json) out.line(JSON.stringify(answer))
  else if (shown.length > 0) {
    const terminal = terminalOf(process.stdout, process.env)
    for (const line of printSeries({ ...answer, series: shown }, terminal)) out.line(line)
    for (const cut of answer.cuts) out.note(cut)
  }
  if (shown.length > 0) return 0
  if (!options.json) out.note('No span matches.')
  return exitCodes.notFound
}
