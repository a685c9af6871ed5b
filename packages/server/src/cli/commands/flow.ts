import type { FlowAnswer } from '@spanlink/contract'
import { askServer } from '../ask-server.ts'
import { countOf, parseClientArgs, traceIdOf } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { printFlow } from '../print/print-flow.ts'
import { terminalOf } from '../print/terminal.ts'

export const flowCommand: Command = {
  asks: 'server',
  summary: 'all traces that a trace is linked with, on one axis, with the critical path',
  help: `All traces that a trace is linked with, in both directions, on one axis of time.

Usage: spanlink flow ID [options]

  ┈┈┈███        a message waits, then work is done
  ◆             on the critical path
  --max-traces N  (default 200, at most 1000)
  --max-depth N   links from the trace to the farthest (default 16, at most 64)
${COMMON_HELP}`,
  run: async (args, out) => {
    const flags = { 'max-traces': { type: 'string' }, 'max-depth': { type: 'string' } } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The trace id' })
    const flow = await askServer<FlowAnswer>(options.url, `/api/flows/${traceIdOf(options.positionals[0])}`, {
      maxTraces: countOf('--max-traces', options.text('max-traces'), 1000),
      maxDepth: countOf('--max-depth', options.text('max-depth'), 64),
    })
    if (options.json) out.line(JSON.stringify(flow))
    else for (const line of printFlow(flow, terminalOf(process.stdout, process.env))) out.line(line)
    return 0
  },
}
