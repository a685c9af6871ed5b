import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import type {
  DeleteTraceResponse,
  DeleteTracesResponse,
  SearchedRange,
  TraceResponse,
  TracesResponse,
} from '@spanlink/api-schema'
import { CommandError, exitCodes, fetchJson, type Server } from '../../api-client.ts'
import { UsageError } from '../../args.ts'
import { defineClientCommand, type Output } from '../../command.ts'
import { formatPartialNote } from '../../format/partial-note.ts'
import { showProgress } from '../../format/progress.ts'
import { formatCount } from '../../format/terminal.ts'
import { timeParser, traceIdParser } from '../../parsers.ts'

const PAGE_TRACES = 500

type Counts = {
  readonly traces: number
  readonly spans: number
  /** Of a search whose range was not searched completely. */
  readonly partial?: SearchedRange | undefined
}

type Page = Counts & { readonly range: SearchedRange; readonly next: string | undefined }

/** Traces to delete: one, or those of a search. */
type Selection = {
  readonly traceId?: string | undefined
  readonly search: { readonly q?: string | undefined; readonly start?: string | undefined; readonly end: string }
}

export const deleteCommand = defineClientCommand({
  summary: 'deletes traces, with their links, logs and exemplars',
  description: 'Deletes a trace, or all traces that match a TraceQL query, with their links, logs and exemplars.',
  usage: ['delete --trace ID [options]', 'delete --query \'{ resource.service.name = "test" }\' [options]'],
  notes: `Matching traces are deleted whole. Spans that arrive later are stored.
https://github.com/spanlink/spanlink/blob/main/docs/operations.md#delete`,
  exitCodes: '0 done, 1 failed or cancelled, 2 invalid arguments, 3 no match, 4 no server',
  json: 'print the counts as JSON',
  flags: {
    trace: { value: 'ID', parser: traceIdParser, description: 'delete this trace' },
    query: { value: 'TRACEQL', description: 'delete all traces that match' },
    start: {
      value: 'TIME',
      parser: timeParser,
      description: 'spans that start at or after it: 15m, 2h or 7d ago, or 2026-01-31T10:00Z',
    },
    end: { value: 'TIME', parser: timeParser, default: 'now', description: 'spans that start before it' },
    'dry-run': { description: 'count the traces, delete none' },
    yes: { description: 'do not ask for confirmation; required without a terminal' },
  },
  run: async ({ server, json, trace: traceId, query: q, start, end, 'dry-run': isDryRun, yes }, _positionals, out) => {
    if ((traceId === undefined) === (q === undefined)) throw new UsageError('expected either --trace or --query')
    // A fixed end: traces that arrive meanwhile stay.
    const selection = { traceId, search: { q, start, end: end ?? String(BigInt(Date.now()) * 1_000_000n) } }
    const canAsk = process.stdin.isTTY && process.stderr.isTTY
    if (isDryRun !== true && yes !== true && !canAsk) throw new UsageError('missing --yes: there is no terminal to ask')
    if (isDryRun === true || yes !== true) {
      const found = await countTraces(server, selection)
      if (isDryRun === true || found.traces === 0) return report(found, 'match', json, out)
      await confirm(`${describe(found)}. Delete them?`)
    }
    return report(await deleteTraces(server, selection), 'deleted', json, out)
  },
})

async function countTraces(server: Server, { traceId, search }: Selection): Promise<Counts> {
  if (traceId !== undefined) {
    const { spans } = await fetchJson<TraceResponse>(server, `/api/traces/${traceId}`)
    return { traces: 1, spans: spans.length }
  }
  return await sumPages(async (cursor) => {
    const page = await fetchJson<TracesResponse>(server, '/api/traces', { ...search, limit: PAGE_TRACES, cursor })
    const spans = page.traces.reduce((sum, { spanCount }) => sum + spanCount, 0)
    return { traces: page.traces.length, spans, range: page, next: page.nextCursor }
  }, 'found')
}

async function deleteTraces(server: Server, { traceId, search }: Selection): Promise<Counts> {
  if (traceId !== undefined) {
    const { deletedSpans } = await fetchJson<DeleteTraceResponse>(server, `/api/traces/${traceId}`, {}, 'DELETE')
    return { traces: 1, spans: deletedSpans }
  }
  return await sumPages(async (cursor) => {
    const query = { ...search, limit: PAGE_TRACES, cursor }
    const page = await fetchJson<DeleteTracesResponse>(server, '/api/traces', query, 'DELETE')
    return { traces: page.deletedTraces, spans: page.deletedSpans, range: page, next: page.nextCursor }
  }, 'deleted')
}

/** Sums the counts of all pages, and shows progress. */
async function sumPages(fetchPage: (cursor: string | undefined) => Promise<Page>, verb: string): Promise<Counts> {
  const progress = showProgress(process.stderr)
  let sum = { traces: 0, spans: 0 }
  try {
    for (let cursor: string | undefined; ;) {
      const { traces, spans, range, next } = await fetchPage(cursor)
      sum = { traces: sum.traces + traces, spans: sum.spans + spans }
      if (next === undefined) return { ...sum, partial: range.complete ? undefined : range }
      progress.update(`${describe(sum)} ${verb} …`)
      cursor = next
    }
  } finally {
    progress.end()
  }
}

async function confirm(question: string): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await prompt.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError(exitCodes.failed, 'Cancelled, nothing was deleted.')
  } finally {
    prompt.close()
  }
}

function report({ partial, ...counts }: Counts, verb: 'match' | 'deleted', json: boolean, out: Output): number {
  if (partial !== undefined) out.note(formatPartialNote(partial))
  if (json) out.line(JSON.stringify(verb === 'match' ? counts : { deleted: counts }))
  else if (counts.traces === 0) out.note('No trace matches.')
  else out.line(verb === 'match' ? `${describe(counts)} match.` : `Deleted ${describe(counts)}.`)
  return counts.traces === 0 ? exitCodes.notFound : 0
}

function describe({ traces, spans }: Counts): string {
  return `${formatCount(traces, 'trace')} with ${formatCount(spans, 'span')}`
}
