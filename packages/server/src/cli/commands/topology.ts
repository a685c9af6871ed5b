import process from 'node:process'
import type { TopologyResponse } from '@spanlink/api-schema'
import { fetchJson } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { printTopology } from '../format/print-table.ts'
import { detectTerminal } from '../format/terminal.ts'
import { timeParser } from '../parsers.ts'

export const topologyCommand = defineClientCommand({
  summary: 'shows services, topics and consumer groups, with rates, queue times and lag',
  usage: ['topology [options]'],
  flags: {
    since: {
      value: 'TIME',
      parser: timeParser,
      default: 'an hour before the end',
      description: 'start: 15m, 2h or 7d ago, or 2026-01-31T10:00Z',
    },
    until: { value: 'TIME', parser: timeParser, default: 'now', description: 'end' },
  },
  run: async ({ server, json, since, until }, _positionals, out) => {
    const topology = await fetchJson<TopologyResponse>(server, '/api/topology', { start: since, end: until })
    if (json) out.line(JSON.stringify(topology))
    else for (const line of printTopology(topology, detectTerminal(process.stdout, process.env))) out.line(line)
    return 0
  },
})
