import process from 'node:process'
import type { FoundTrace, SearchedRange } from '@spanlink/api-schema'
import { CommandError, exitCodes, fetchResponse } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { formatPartialNote } from '../format/partial-note.ts'
import { printFound } from '../format/print-table.ts'
import { createColourPicker, detectTerminal } from '../format/terminal.ts'
import { countParser } from '../parsers.ts'
import { parseServerSentEvents } from '../server-sent-events.ts'

/** Enough stored traces to see that some arrive. */
const DEFAULT_LAST = 10
const MAX_LAST = 100

export const tailCommand = defineClientCommand({
  summary: 'prints traces as they arrive and grow',
  description: 'Prints traces as they arrive, until Ctrl-C. A trace is printed again when it gains spans.',
  usage: ["tail ['{ status = error }'] [options]"],
  notes: 'With --json, one trace a line.',
  exitCodes: '1 failed, 2 invalid arguments, 4 no server, or it stopped',
  positionals: { name: 'QUERY', min: 0, max: 1 },
  flags: {
    last: {
      value: 'N',
      parser: countParser(MAX_LAST),
      default: String(DEFAULT_LAST),
      description: `start with the last N traces of the past 15 minutes, at most ${MAX_LAST}`,
    },
  },
  run: async ({ server, json, last = DEFAULT_LAST }, [q], out) => {
    const response = await fetchResponse(server, '/api/traces/tail', { q })
    const terminal = detectTerminal(process.stdout, process.env)
    const pickColour = createColourPicker()
    let isFirst = true
    try {
      for await (const { event, data } of parseServerSentEvents(response)) {
        if (event === 'problem') {
          out.note((JSON.parse(data) as { readonly detail?: string }).detail ?? 'The query failed on the server.')
        }
        if (event === 'partial') out.note(formatPartialNote(JSON.parse(data) as SearchedRange))
        if (event !== 'traces') continue
        // Newest first, while a terminal scrolls the other way.
        const traces = (JSON.parse(data) as readonly FoundTrace[]).slice(0, isFirst ? last : undefined).toReversed()
        isFirst = false
        for (const trace of traces) {
          if (json) out.line(JSON.stringify(trace))
          else for (const line of printFound(trace, terminal, pickColour)) out.line(line)
        }
      }
    } catch (cause) {
      throw new CommandError(exitCodes.unreachable, `The server at ${server.url} disconnected.`, cause)
    }
    throw new CommandError(exitCodes.unreachable, `The server at ${server.url} stopped.`)
  },
})
