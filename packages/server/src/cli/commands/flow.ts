import process from 'node:process'
import type { FlowResponse } from '@spanlink/api-schema'
import { fetchJson } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { formatFlowNotes, printFlow } from '../format/print-flow.ts'
import { UNREADABLE_NOTE } from '../format/partial-note.ts'
import { MAX_TERMINAL_ROWS, rowLimitParser, selectRowLimit } from '../format/row-limit.ts'
import { detectTerminal } from '../format/terminal.ts'
import { countParser, traceIdParser } from '../parsers.ts'
import { fetchWholeFlow } from './fetch-whole-flow.ts'

/** For `--all`: each page costs more than the one before. */
const MAX_TRACES = 10_000
const MAX_PAGE_TRACES = 1_000
const MAX_DEPTH = 64

export const flowCommand = defineClientCommand({
  summary: 'shows all traces that one event caused, on one time axis, with the critical path',
  usage: ['flow ID [options]'],
  notes: `  ┈┈┈███   queue time, then processing
  ◆        on the critical path`,
  positionals: { name: 'ID', min: 1, max: 1, parser: traceIdParser },
  flags: {
    'max-traces': {
      value: 'N',
      parser: countParser(MAX_PAGE_TRACES),
      default: '200',
      description: `traces to load, at most ${MAX_PAGE_TRACES}`,
    },
    all: { description: `load page after page, up to ${MAX_TRACES} traces` },
    limit: {
      value: 'N',
      parser: rowLimitParser,
      default: `${MAX_TERMINAL_ROWS} in a terminal, else all; --all: all`,
      description: 'lanes to draw',
    },
    'max-depth': {
      value: 'N',
      parser: countParser(MAX_DEPTH),
      default: '16',
      description: `maximum distance from the trace in links, at most ${MAX_DEPTH}`,
    },
    joined: { description: 'include other events whose messages share a batch with the flow, up to their origins' },
  },
  run: async ({ server, json, limit, all, joined, ...flags }, [id = ''], out) => {
    const query = {
      maxTraces: flags['max-traces'] ?? (all === true ? MAX_PAGE_TRACES : undefined),
      maxDepth: flags['max-depth'],
      includeJoined: joined,
    }
    const fetchPage = async (cursor: string | undefined): Promise<FlowResponse> =>
      await fetchJson(server, `/api/flows/${id}`, { ...query, cursor })
    const flow = await (all === true ? fetchWholeFlow(fetchPage, MAX_TRACES) : fetchPage(undefined))
    const terminal = detectTerminal(process.stdout, process.env)
    if (json) out.line(JSON.stringify(flow))
    else {
      for (const line of printFlow(flow, terminal, selectRowLimit(limit, all, process.stdout))) out.line(line)
      for (const note of formatFlowNotes(flow, all)) out.note(note)
    }
    if (flow.missingParts) out.note(`partial: ${UNREADABLE_NOTE}`)
    if (all === true && flow.nextCursor !== undefined) {
      out.note(`The flow has more than ${MAX_TRACES} traces; these are the nearest to trace ${id}.`)
    }
    return 0
  },
})
