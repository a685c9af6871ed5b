import type { FoundTrace, SearchedRange } from '@spanlink/api-schema'
import { CommandError, exitCodes, openServer } from '../api-client.ts'
import { countOf, parseClientArgs } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { partialNote } from '../format/partial-note.ts'
import { printFound } from '../format/print-table.ts'
import { serviceColours, terminalOf } from '../format/terminal.ts'
import { serverSentEvents } from '../server-sent-events.ts'

/** Without `--last`, of what is there already: enough to see that something comes. */
const LAST_SHOWN = 10

export const tailCommand: Command = {
  asks: 'server',
  summary: 'traces as they come and grow',
  help: `Traces as they come and grow, until Ctrl-C. One that grew is told again.

Usage: spanlink tail ['{ status = error }'] [options]

  --last N      begin with the last N of the past 15 minutes (default ${LAST_SHOWN}, at most 100)
${COMMON_HELP}With --json, one trace a line. Exit code 4 also when the server leaves.
`,
  run: async (args, out) => {
    const options = parseClientArgs(args, { last: { type: 'string' } }, { least: 0, most: 1, what: 'The query' })
    const last = countOf('--last', options.text('last'), 100) ?? LAST_SHOWN
    const response = await openServer(options.url, '/api/traces/tail', { q: options.positionals[0] })
    const terminal = terminalOf(process.stdout, process.env)
    const colourOf = serviceColours()
    let isFirst = true
    try {
      for await (const { event, data } of serverSentEvents(response)) {
        if (event === 'problem') {
          out.note((JSON.parse(data) as { readonly detail?: string }).detail ?? 'The server failed to answer.')
        }
        if (event === 'partial') out.note(partialNote(JSON.parse(data) as SearchedRange))
        if (event !== 'traces') continue
        // They come newest first; a terminal scrolls the other way.
        const traces = (JSON.parse(data) as readonly FoundTrace[]).slice(0, isFirst ? last : undefined).toReversed()
        isFirst = false
        for (const trace of traces) {
          if (options.json) out.line(JSON.stringify(trace))
          else for (const line of printFound(trace, terminal, colourOf)) out.line(line)
        }
      }
    } catch (cause) {
      throw new CommandError(exitCodes.unreachable, `The server at ${options.url} has left.`, cause)
    }
    throw new CommandError(exitCodes.unreachable, `The server at ${options.url} has stopped.`)
  },
}
