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
  --all           page after page until the flow is whole (otherwise one page)
  --limit N       lanes drawn (default 500)
  --max-depth N   links from the trace to the farthest (default 16, at most 64)
${COMMON_HELP}`,
  run: async (args, out) => {
    const flags = {
      'max-traces': { type: 'string' },
      'max-depth': { type: 'string' },
      limit: { type: 'string' },
      all: { type: 'boolean' },
    } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The trace id' })
    const bounds = {
      maxTraces: countOf('--max-traces', options.text('max-traces'), 1000),
      maxDepth: countOf('--max-depth', options.text('max-depth'), 64),
    }
    const most = countOf('--limit', options.text('limit'), 1_000_000) ?? LANES_SHOWN
    const page = async (cursor: string | undefined): Promise<FlowAnswer> =>
      await askServer(options.url, `/api/flows/${traceIdOf(options.positionals[0])}`, { ...bounds, cursor })
    let flow = await page(undefined)
    while (options.isSet('all') && flow.nextCursor !== undefined) flow = together(flow, await page(flow.nextCursor))
    if (options.json) out.line(JSON.stringify(flow))
    else for (const line of printFlow(flow, terminalOf(process.stdout, process.env), most)) out.line(line)
    return 0
  },
}

/** A terminal is no place for more. */
const LANES_SHOWN = 500

/** Statistics and path of a page are of all pages up to it. */
function together(before: FlowAnswer, page: FlowAnswer): FlowAnswer {
  const startOf = (lane: FlowAnswer['lanes'][number]): bigint => BigInt(lane.startTimeUnixNano)
  return {
    ...page,
    lanes: [...before.lanes, ...page.lanes].sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1)),
    edges: [...new Map([...before.edges, ...page.edges].map((edge) => [edge.id, edge])).values()],
    missingTraceIds: [...new Set([...before.missingTraceIds, ...page.missingTraceIds])],
  }
}
