import { describe, type FlowResponse, type PathShare, type TracesResponse } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { formatShare } from '../flow/critical-path.ts'
import { countArgument, durationArgument, traceIdArgument } from '../input/shared.ts'
import { resolveWindow, type TimeWindow } from '../input/time-window.ts'
import type { ReadApi } from '../read-api.ts'
import { formatCount, formatDuration, formatTime, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatSearched } from '../text/searched.ts'
import { defineTool } from '../tool.ts'
import { ToolError } from '../tool-error.ts'

const DEFAULT_SAMPLE = 9
const MAX_SAMPLE = 20
/** Flows of a comparison are read to this size. */
const MAX_TRACES = 200
const READS_AT_A_TIME = 3

export const compareFlows = defineTool({
  name: 'compare_flows',
  title: 'Compare flows',
  description:
    'Where the time of a flow differs, per service and topic and per step of the critical path: from a second flow (otherTraceId), or from the median of recent flows with the same root span.',
  arguments: {
    traceId: traceIdArgument('Id of any trace of the flow, 32 hex digits.'),
    otherTraceId: Type.Optional(
      describe('Id of a trace of the flow to compare with. Default: the typical flow.', traceIdArgument('')),
    ),
    sample: countArgument(MAX_SAMPLE, DEFAULT_SAMPLE, 'Recent flows that make the typical one.'),
    since: durationArgument('Recent flows start in this time before now: "6h". Default "1h".'),
  },
  run: async ({ traceId, otherTraceId, sample = DEFAULT_SAMPLE, since }, { read, pageUrl, nowMs }) => {
    const id = traceId.toLowerCase()
    const flow = await readFlow(read, id)
    if (otherTraceId !== undefined) {
      const other = await readFlow(read, otherTraceId.toLowerCase())
      const against = `the flow of trace ${other.traceId}`
      const page = pageUrl(`flow/${id}`, { with: other.traceId })
      return describeComparison(flow, [other], against, [`Page: ${page}`])
    }
    const window = resolveWindow(since === undefined ? {} : { since }, nowMs)
    const { others, note } = await readTypical(read, flow, window, sample)
    const name = `${quote(flow.title?.service ?? '', 80)} ${quote(flow.title?.name ?? '', 80)}`
    return describeComparison(flow, others, `the median of ${others.length} recent flows of ${name}`, [
      note,
      `Page: ${pageUrl(`flow/${id}`, { with: others[0]?.traceId })}`,
    ])
  },
})

async function readFlow(read: ReadApi, traceId: string): Promise<FlowResponse> {
  return await read<FlowResponse>(`/api/flows/${traceId}`, { maxTraces: MAX_TRACES })
}

/** Recent flows with the same root span, without those that are the compared one. */
async function readTypical(
  read: ReadApi,
  flow: FlowResponse,
  { start, end }: TimeWindow,
  sample: number,
): Promise<{ readonly others: readonly FlowResponse[]; readonly note: string }> {
  const { title } = flow
  if (title === null) throw new ToolError(`No span of the flow of trace ${flow.traceId} is stored.`)
  const q = `{ resource.service.name = ${JSON.stringify(title.service)} && name = ${JSON.stringify(title.name)} && nestedSetParent = -1 }`
  const found = await read<TracesResponse>('/api/traces', { q, start, end, limit: 100 })
  const own = new Set([flow.traceId, title.traceId, ...flow.lanes.map((lane) => lane.traceId)])
  const candidates = found.traces.filter((trace) => !own.has(trace.traceId))
  if (candidates.length === 0) {
    const hint = 'give since (for example "24h") or otherTraceId'
    throw new ToolError(`No other flow with the same root since ${formatTime(start)}: ${hint}.`)
  }
  const step = Math.max(1, candidates.length / sample)
  const picked = Array.from(
    { length: Math.min(sample, candidates.length) },
    (_, at) => candidates[Math.floor(at * step)],
  )
  const others: FlowResponse[] = []
  for (let at = 0; at < picked.length; at += READS_AT_A_TIME) {
    const ids = picked.slice(at, at + READS_AT_A_TIME).map((trace) => trace?.traceId ?? '')
    others.push(...(await Promise.all(ids.map((id) => readFlow(read, id)))))
  }
  return { others, note: formatSearched(found) }
}

type Measured = { readonly label: string; readonly nanos: number }

function describeComparison(
  flow: FlowResponse,
  others: readonly FlowResponse[],
  against: string,
  footer: readonly string[],
) {
  const own = Number(flow.statistics.endToEndNano)
  const typical = median(others.map(({ statistics }) => Number(statistics.endToEndNano)))
  const shares = compare(measureShares(flow), others.map(measureShares))
  const steps = compare(measureSteps(flow), others.map(measureSteps))
  const [largest] = shares
  const partial = [flow, ...others].filter(({ complete }) => !complete).length
  const where =
    largest === undefined || largest.difference === 0
      ? 'the critical paths do not differ'
      : `the largest difference is ${formatDifference(largest.difference)} of ${largest.label}`
  return {
    headline: `Flow of trace ${flow.traceId} took ${formatDuration(own)}, ${formatDifference(own - typical)} against ${against} (${formatDuration(typical)}); ${where}.`,
    lines: [
      'Critical path by service and topic (this, other, difference):',
      ...shares.map(formatRow),
      'Critical path by step (this, other, difference):',
      ...steps.map(formatRow),
      `Other facts (this, other): ${joinFacts([
        `traces ${flow.statistics.traceCount}, ${median(others.map(({ statistics }) => statistics.traceCount))}`,
        `spans ${flow.statistics.spanCount}, ${median(others.map(({ statistics }) => statistics.spanCount))}`,
        `failed spans ${flow.statistics.errorCount}, ${median(others.map(({ statistics }) => statistics.errorCount))}`,
        `missing consumers ${flow.missingConsumers.length}, ${median(others.map(({ missingConsumers }) => missingConsumers.length))}`,
      ])}`,
      `Compared with: ${others.map(({ traceId }) => traceId).join(', ')}`,
    ],
    footer: [
      ...(partial > 0 ? [`PARTIAL: ${formatCount(partial, 'flow')} have more than ${MAX_TRACES} traces.`] : []),
      ...footer,
      `Next: get_flow with traceId "${flow.traceId}" for errors and missing consumers.`,
    ],
    narrow: 'lower sample',
  }
}

function measureShares({ criticalPath }: FlowResponse): readonly Measured[] {
  return (criticalPath?.shares ?? []).map((share: PathShare) => ({
    label: formatShare(share),
    nanos: Number(share.durationNano),
  }))
}

/** Spans and waits of the same name count together. */
function measureSteps({ criticalPath }: FlowResponse): readonly Measured[] {
  return (criticalPath?.segments ?? []).map(({ kind, service, name, topic = '', durationNano }) => {
    const span = `${quote(service)} ${quote(name)}`
    const label =
      kind === 'queue'
        ? `queue of topic ${quote(topic)} before ${span}`
        : `${kind === 'gap' ? 'gap before' : 'work of'} ${span}`
    return { label, nanos: Number(durationNano) }
  })
}

type Row = { readonly label: string; readonly own: number; readonly other: number; readonly difference: number }

/** Largest difference first. A flow without the step counts as 0. */
function compare(own: readonly Measured[], others: readonly (readonly Measured[])[]): readonly Row[] {
  const ownSums = sumByLabel(own)
  const otherSums = others.map(sumByLabel)
  const labels = new Set([ownSums, ...otherSums].flatMap((sums) => [...sums.keys()]))
  return [...labels]
    .map((label) => {
      const mine = ownSums.get(label) ?? 0
      const other = median(otherSums.map((sums) => sums.get(label) ?? 0))
      return { label, own: mine, other, difference: mine - other }
    })
    .sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference))
}

function sumByLabel(all: readonly Measured[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { label, nanos } of all) sums.set(label, (sums.get(label) ?? 0) + nanos)
  return sums
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function formatRow({ label, own, other, difference }: Row): string {
  return `  ${label}: ${formatDuration(own)}, ${formatDuration(other)}, ${formatDifference(difference)}`
}

function formatDifference(nanos: number): string {
  return `${nanos >= 0 ? '+' : ''}${formatDuration(nanos)}`
}
