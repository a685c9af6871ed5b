import type { TopologyResponse } from '@spanlink/api-schema'
import { askServer } from '../api-client.ts'
import { parseClientArgs, timeOf } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { printTopology } from '../format/print-table.ts'
import { terminalOf } from '../format/terminal.ts'

export const topologyCommand: Command = {
  asks: 'server',
  summary: 'services, topics and consumer groups, with rates and queue times',
  help: `Services, topics and consumer groups: who sends where, how much fails, how long messages wait,
and where metrics tell it, how many do (LAG).

Usage: spanlink topology [options]

  --since TIME  15m, 2h, 7d ago, or 2026-01-31T10:00Z (default: an hour before the end)
  --until TIME  (default: now)
${COMMON_HELP}`,
  run: async (args, out) => {
    const flags = { since: { type: 'string' }, until: { type: 'string' } } as const
    const options = parseClientArgs(args, flags, { least: 0, most: 0, what: '' })
    const answer = await askServer<TopologyResponse>(options.url, '/api/topology', {
      start: timeOf('--since', options.text('since')),
      end: timeOf('--until', options.text('until')),
    })
    if (options.json) out.line(JSON.stringify(answer))
    else for (const line of printTopology(answer, terminalOf(process.stdout, process.env))) out.line(line)
    return 0
  },
}
