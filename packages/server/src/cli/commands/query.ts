import type { FoundTrace, SearchedRange, SeriesResponse, TracesResponse } from '@spanlink/api-schema'
import { pageEnds } from '../../traceql/execute/search-cursor.ts'
import { parse } from '../../traceql/syntax/parse.ts'
import { askServer, exitCodes } from '../api-client.ts'
import { type ClientArgs, countOf, parseClientArgs, timeOf } from '../client-options.ts'
import { COMMON_HELP, type Command, type Output } from '../command.ts'
import { progressOn } from '../format/progress.ts'
import { partialNote } from '../format/partial-note.ts'
import { printSeries } from '../format/print-series.ts'
import { printFound } from '../format/print-table.ts'
import { duration, plural, serviceColours, terminalOf } from '../format/terminal.ts'

const PAGE = 500

export const queryCommand: Command = {
  asks: 'server',
  summary: 'traces that match a TraceQL query, newest first',
  help: `Traces that match a TraceQL query, newest first; of a metrics query, its series.

Usage: spanlink query '{ status = error }' [options]

  --since TIME  spans that start then or later: 15m, 2h, 7d ago, or 2026-01-31T10:00Z
  --until TIME  spans that start before
  --limit N     traces (default 20, at most ${PAGE}; with --all any number)
  --all         page after page, until there are no more
  --step TIME   of a metrics query: the length of an interval (default: a sixtieth of the time)
${COMMON_HELP}Exit code 3 also where no trace matches.
`,
  run: async (args, out) => {
    const flags = {
      since: { type: 'string' },
      until: { type: 'string' },
      limit: { type: 'string' },
      step: { type: 'string' },
      all: { type: 'boolean' },
    } as const
    const options = parseClientArgs(args, flags, { least: 1, most: 1, what: 'The query' })
    if (isMetrics(options.positionals[0] ?? '')) return await showSeries(options, out)
    const isAll = options.isSet('all')
    const limit = countOf('--limit', options.text('limit'), isAll ? 999_999_999 : PAGE)
    const most = limit ?? (isAll ? Infinity : 20)
    const terminal = terminalOf(process.stdout, process.env)
    const colourOf = serviceColours()
    const kept: FoundTrace[] = []
    // Lines that scroll by tell enough.
    const progress = progressOn(process.stdout.isTTY && !options.json ? { write: () => {} } : process.stderr)
    const { shown, cursor, cuts, range } = await eachPage(options, most, (traces, soFar) => {
      if (options.json) kept.push(...traces)
      else for (const trace of traces) for (const line of printFound(trace, terminal, colourOf)) out.line(line)
      if (isAll) progress.say(`${plural(soFar, 'trace')} …`)
    }).finally(progress.end)
    const rest = cursor === undefined ? {} : { nextCursor: cursor, more: true as const }
    const answer: TracesResponse = { traces: kept, ...range, ...rest, ...(cuts.length > 0 ? { cuts: [...cuts] } : {}) }
    if (options.json) out.line(JSON.stringify(answer))
    else {
      const isFull = cursor !== undefined && shown >= most
      if (isFull) out.note('More traces match: --all shows them, --limit more, --since and --until others.')
      for (const cut of cuts) out.note(cut)
      if (!range.complete && !isFull) out.note(partialNote(range))
    }
    if (shown > 0) return 0
    if (!options.json && range.complete) out.note('No trace matches.')
    return exitCodes.notFound
  },
}

type Pages = {
  readonly shown: number
  readonly cursor: string | undefined
  readonly cuts: readonly string[]
  /** Of all pages together. */
  readonly range: SearchedRange
}

/**
 * Follows the cursor to the end, or until `most` traces are shown; the cursor is left where there
 * are more.
 */
async function eachPage(
  options: ClientArgs,
  most: number,
  show: (traces: readonly FoundTrace[], soFar: number) => void,
): Promise<Pages> {
  const asked = {
    q: options.positionals[0],
    start: timeOf('--since', options.text('since')),
    end: timeOf('--until', options.text('until')),
  }
  const cuts = new Set<string>()
  let shown = 0
  let end: string | undefined
  for (let cursor: string | undefined; ;) {
    const limit = Math.min(PAGE, most - shown)
    const page = await askServer<TracesResponse>(options.url, '/api/traces', { ...asked, limit, cursor })
    shown += page.traces.length
    show(page.traces, shown)
    cursor = page.nextCursor
    end ??= page.searched.end
    const isLast = cursor === undefined || shown >= most || !options.isSet('all')
    // That a page ends is no news where the next one is asked for.
    for (const cut of page.cuts ?? []) if (isLast || cut !== pageEnds) cuts.add(cut)
    if (isLast) {
      const range = {
        searched: { start: page.searched.start, end },
        complete: page.complete,
        missingParts: page.missingParts,
      }
      return { shown, cursor, cuts: [...cuts], range }
    }
  }
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
  const answer = await askServer<SeriesResponse>(options.url, '/api/traceql/series', {
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
    if (!answer.complete) out.note(partialNote(answer))
    if (answer.lastStepNano !== undefined)
      out.note(`The last interval is ${duration(answer.lastStepNano)} of ${duration(answer.stepNano)} long.`)
  }
  if (shown.length > 0) return 0
  if (!options.json) out.note(answer.complete ? 'No span matches.' : partialNote(answer))
  return exitCodes.notFound
}
