import type { FlowResponse } from '@spanlink/api-schema'
import { askServer } from '../api-client.ts'
import { countOf, parseClientArgs, traceIdOf } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { printFlow } from '../format/print-flow.ts'
import { ROWS_SHOWN, rowsShown } from '../format/rows-shown.ts'
import { terminalOf } from '../format/terminal.ts'
import { wholeFlow } from './whole-flow.ts'

/** What `--all` goes to: each page costs more than the one before, and nobody reads so many. */
const TRACES_AT_MOST = 10_000
const PAGE = 1_000

export const flowCommand: Command = {
  asks: 'server',
  summary: 'what the event behind a trace caused, on one axis, with the critical path',
  help: `The flow of a trace on one axis of time: from the event that caused it, down over all links.

Usage: spanlink flow ID [options]

  ┈┈┈███        a message waits, then work is done
  ◆             on the critical path
  --max-traces N  (default 200, at most ${PAGE})
  --all           page after page until the flow is whole, or has ${TRACES_AT_MOST} traces (otherwise one page)
  --limit N       lanes drawn (default ${ROWS_SHOWN} in a terminal, otherwise and with --all all)
  --max-depth N   links from the trace to the farthest (default 16, at most 64)
  --joined        also other events whose messages a batch of the flow took, up to their origins
${COMMON_HELP}`,
  run: async (args, out) => {
    const flags = {
      'max-traces': { type: 'string' },
      'max-depth': { type: 'string' },
      limit: { type: 'string' },
      all: { type: 'boolean' },
      joined: { type: 'boolean' },
    } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The trace id' })
    const isAll = options.isSet('all')
    const bounds = {
      maxTraces: countOf('--max-traces', options.text('max-traces'), PAGE) ?? (isAll ? PAGE : undefined),
      maxDepth: countOf('--max-depth', options.text('max-depth'), 64),
    }
    const joined = options.isSet('joined') ? 'true' : undefined
    const page = async (cursor: string | undefined): Promise<FlowResponse> =>
      await askServer(options.url, `/api/flows/${traceIdOf(options.positionals[0])}`, { ...bounds, joined, cursor })
    const most = rowsShown(options, process.stdout)
    const flow = await (isAll ? wholeFlow(page, TRACES_AT_MOST) : page(undefined))
    if (options.json) out.line(JSON.stringify(flow))
    else for (const line of printFlow(flow, terminalOf(process.stdout, process.env), most)) out.line(line)
    if (isAll && flow.nextCursor !== undefined) {
      out.note(`The flow has more than ${TRACES_AT_MOST} traces: these are the nearest to the trace asked for.`)
    }
    return 0
  },
}
