import process from 'node:process'
import type { FoundTrace, SearchedRange, SeriesResponse, TracesResponse } from '@spanlink/api-schema'
import { pageLimitWarning } from '../../traceql/execute/search-cursor.ts'
import { parse } from '../../traceql/syntax/parse.ts'
import { fetchJson, exitCodes, type Server } from '../api-client.ts'
import { UsageError } from '../args.ts'
import { defineClientCommand, type Output } from '../command.ts'
import { formatPartialNote } from '../format/partial-note.ts'
import { printSeries } from '../format/print-series.ts'
import { printFound } from '../format/print-table.ts'
import { showProgress } from '../format/progress.ts'
import { createColourPicker, formatDuration, detectTerminal, formatCount } from '../format/terminal.ts'
import { countParser, timeParser } from '../parsers.ts'

const MAX_PAGE_TRACES = 500
const DEFAULT_LIMIT = 20

export const queryCommand = defineClientCommand({
  summary: 'lists traces that match a TraceQL query, newest first, or the series of a metrics query',
  usage: ["query '{ status = error }' [options]"],
  exitCodes: '0 done, 1 failed, 2 invalid arguments, 3 no match, 4 no server',
  positionals: { name: 'QUERY', min: 1, max: 1 },
  flags: {
    since: {
      value: 'TIME',
      parser: timeParser,
      description: 'spans that start at or after it: 15m, 2h or 7d ago, or 2026-01-31T10:00Z',
    },
    until: { value: 'TIME', parser: timeParser, description: 'spans that start before it' },
    limit: {
      value: 'N',
      parser: countParser(999_999_999),
      default: String(DEFAULT_LIMIT),
      description: `traces to list, at most ${MAX_PAGE_TRACES} without --all`,
    },
    all: { description: 'load page after page, until the end or --limit' },
    step: {
      value: 'DURATION',
      default: 'a sixtieth of the range',
      description: 'interval of a metrics query',
    },
  },
  run: async ({ server, json, since, until, limit, all = false, step }, [q = ''], out) => {
    const query = { q, start: since, end: until }
    if (isMetricsQuery(q)) return await printMetrics(server, { ...query, step }, json, out)
    if (!all && limit !== undefined && limit > MAX_PAGE_TRACES) {
      throw new UsageError(`invalid --limit "${limit}": expected at most ${MAX_PAGE_TRACES}, or --all`)
    }
    const maxTraces = limit ?? (all ? Infinity : DEFAULT_LIMIT)
    const terminal = detectTerminal(process.stdout, process.env)
    const pickColour = createColourPicker()
    const traces: FoundTrace[] = []
    // Printed traces show progress themselves.
    const progress = showProgress(process.stdout.isTTY && !json ? { write: () => {} } : process.stderr)
    const { count, nextCursor, warnings, range } = await fetchPages(server, query, all, maxTraces, (page, total) => {
      if (json) traces.push(...page)
      else for (const trace of page) for (const line of printFound(trace, terminal, pickColour)) out.line(line)
      if (all) progress.update(`${formatCount(total, 'trace')} …`)
    }).finally(progress.end)
    if (json) {
      const rest = nextCursor === undefined ? {} : { nextCursor, hasMore: true as const }
      const limits = warnings.length > 0 ? { warnings: [...warnings] } : {}
      out.line(JSON.stringify({ traces, ...range, ...rest, ...limits } satisfies TracesResponse))
    } else {
      const isFull = nextCursor !== undefined && count >= maxTraces
      if (isFull) out.note('More traces match: use --all, a larger --limit, or another --since and --until.')
      for (const warning of warnings) out.note(warning)
      if (!range.complete && !isFull) out.note(formatPartialNote(range))
      if (count === 0 && range.complete) out.note('No trace matches.')
    }
    return count > 0 ? 0 : exitCodes.notFound
  },
})

type Pages = {
  readonly count: number
  readonly nextCursor: string | undefined
  readonly warnings: readonly string[]
  /** The range searched by all pages together. */
  readonly range: SearchedRange
}

type TimeQuery = { readonly q: string; readonly start: string | undefined; readonly end: string | undefined }

/** Loads one page, or with `all` pages until the end or `maxTraces`. */
async function fetchPages(
  server: Server,
  query: TimeQuery,
  all: boolean,
  maxTraces: number,
  show: (traces: readonly FoundTrace[], total: number) => void,
): Promise<Pages> {
  const warnings = new Set<string>()
  let count = 0
  let end: string | undefined
  for (let cursor: string | undefined; ;) {
    const limit = Math.min(MAX_PAGE_TRACES, maxTraces - count)
    const page = await fetchJson<TracesResponse>(server, '/api/traces', { ...query, limit, cursor })
    count += page.traces.length
    show(page.traces, count)
    cursor = page.nextCursor
    end ??= page.searched.end
    const isLast = cursor === undefined || count >= maxTraces || !all
    // The end of a page is no warning when the next one is loaded.
    for (const text of page.warnings ?? []) if (isLast || text !== pageLimitWarning) warnings.add(text)
    if (isLast) {
      const { complete, missingParts, searched } = page
      const range = { searched: { start: searched.start, end }, complete, missingParts }
      return { count, nextCursor: cursor, warnings: [...warnings], range }
    }
  }
}

/** False for an invalid query: the server reports where it is wrong. */
function isMetricsQuery(text: string): boolean {
  try {
    return parse(text).kind !== 'search'
  } catch {
    return false
  }
}

async function printMetrics(
  server: Server,
  query: TimeQuery & { readonly step: string | undefined },
  json: boolean,
  out: Output,
): Promise<number> {
  const response = await fetchJson<SeriesResponse>(server, '/api/traceql/series', query)
  const series = response.series.filter(({ points }) => points.length > 0)
  if (json) out.line(JSON.stringify(response))
  else if (series.length > 0) {
    for (const line of printSeries({ ...response, series }, detectTerminal(process.stdout, process.env))) out.line(line)
    for (const warning of response.warnings) out.note(warning)
    if (!response.complete) out.note(formatPartialNote(response))
    if (response.lastStepNano !== undefined) {
      const [last, whole] = [response.lastStepNano, response.stepNano].map(formatDuration)
      out.note(`The last interval covers ${last} of ${whole}.`)
    }
  } else out.note(response.complete ? 'No span matches.' : formatPartialNote(response))
  return series.length > 0 ? 0 : exitCodes.notFound
}
