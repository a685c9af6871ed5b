import type { TopologyEdge, TopologyNode, TopologyResponse } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { nameArgument } from '../input/shared.ts'
import { resolveWindow, timeArguments } from '../input/time-window.ts'
import { formatCount, formatDuration, formatPercent, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatSpanIds } from '../text/record.ts'
import { formatSearched } from '../text/searched.ts'
import { defineTool } from '../tool.ts'

const CONNECTIONS =
  'Connections, those with errors and lag first (count, rate, errors, duration and queue time as p50/p95/p99):'

export const getTopology = defineTool({
  name: 'get_topology',
  title: 'Get topology',
  description:
    'Services, topics and consumer groups with rates, errors, durations, queue times and consumer lag between them: problems first. Shows which group lags and which service fails.',
  arguments: {
    name: nameArgument('Only what touches this service, topic or consumer group, exact.'),
    onlyErrors: Type.Optional(Type.Boolean({ description: 'Only connections with errors or lag.' })),
    ...timeArguments,
  },
  run: async ({ name, onlyErrors = false, ...args }, context) => {
    const { start, end, last } = resolveWindow(args, context.nowMs)
    const topology = await context.read<TopologyResponse>('/api/topology', { start, end })
    const nodes = new Map(topology.nodes.map((node) => [node.id, node]))
    const touches = (id: string): boolean => name === undefined || nodes.get(id)?.name === name
    const edges = topology.edges
      .filter(({ from, to, topic }) => touches(from) || touches(to) || topic === name)
      .filter((edge) => !onlyErrors || edge.errorCount > 0 || (edge.lag?.messages ?? 0) > 0)
      .toSorted((a, b) => rank(b) - rank(a) || b.count - a.count)
    const groups = topology.nodes.filter(({ type, id, lag }) => type === 'group' && lag !== undefined && touches(id))
    const lagging = groups.toSorted((a, b) => (b.lag?.messages ?? 0) - (a.lag?.messages ?? 0))
    const example = edges.find(({ failed, slowest }) => failed !== undefined || slowest !== undefined)
    const exampleId = (example?.failed ?? example?.slowest)?.traceId
    return {
      headline: formatHeadline(topology.nodes, edges, nodes, lagging[0]),
      lines: [
        ...(lagging.length === 0
          ? ['Lag: no metric reports consumer lag in this range.']
          : ['Lag by consumer group (latest value):', ...lagging.map(formatLag)]),
        ...(edges.length === 0 ? [] : [CONNECTIONS, ...edges.map((edge) => formatEdge(edge, nodes))]),
      ],
      footer: [
        formatSearched(topology),
        `Page: ${context.pageUrl('topology', { last, q: name, errors: onlyErrors ? '1' : undefined })}`,
        exampleId === undefined
          ? 'Next: find_messages with kind "unconsumed".'
          : `Next: get_flow with traceId "${exampleId}", or find_messages with kind "unconsumed".`,
      ],
      narrow: 'give name or onlyErrors',
    }
  },
})

/** Connections with lag, then with the most errors. */
function rank({ lag, errorCount }: TopologyEdge): number {
  return (lag?.messages ?? 0) * 1000 + errorCount
}

function formatHeadline(
  all: readonly TopologyNode[],
  edges: readonly TopologyEdge[],
  nodes: ReadonlyMap<string, TopologyNode>,
  lagging: TopologyNode | undefined,
): string {
  if (edges.length === 0) return 'No connection matches in this range.'
  const count = (type: TopologyNode['type']): number => all.filter((node) => node.type === type).length
  const worst = edges.toSorted((a, b) => b.errorCount - a.errorCount)[0]
  const lag = lagging?.lag
  return `${joinFacts([
    formatCount(count('service'), 'service'),
    formatCount(count('topic'), 'topic'),
    formatCount(count('group'), 'consumer group'),
  ])}; ${joinFacts([
    lag !== undefined &&
      lag.messages > 0 &&
      `group ${quote(lagging?.name ?? '', 80)} lags by ${formatCount(lag.messages, 'message')}`,
    worst === undefined || worst.errorCount === 0
      ? 'no errors'
      : `most errors (${worst.errorCount.toLocaleString('en')}) from ${nameOf(worst.from, nodes)} to ${nameOf(worst.to, nodes)}`,
  ])}.`
}

function formatLag({ name, lag }: TopologyNode): string {
  const { messages = 0, stale = false, metric = '' } = lag ?? {}
  return `  group ${quote(name)}: ${formatCount(messages, 'message')}${stale ? ' (STALE: not reported any more)' : ''}, by metric ${quote(metric)}`
}

function formatEdge(edge: TopologyEdge, nodes: ReadonlyMap<string, TopologyNode>): string {
  const { count, errorCount, ratePerSecond, queueTimeNano, lag, failed, slowest, durationNano } = edge
  return `  ${joinFacts([
    `${edge.type}: ${nameOf(edge.from, nodes)} to ${nameOf(edge.to, nodes)}${edge.type === 'consume' && edge.topic !== undefined ? ` of topic ${quote(edge.topic)}` : ''}`,
    `${count.toLocaleString('en')} (${Number(ratePerSecond.toPrecision(3))}/s)${edge.sampled ? ' estimated' : ''}`,
    errorCount > 0 && `ERRORS ${errorCount.toLocaleString('en')} (${formatPercent(errorCount / Math.max(count, 1))})`,
    lag !== undefined && `lag ${formatCount(lag.messages, 'message')}${lag.stale ? ' (stale)' : ''}`,
    `duration ${formatQuantiles(durationNano)}`,
    queueTimeNano !== undefined && `queue time ${formatQuantiles(queueTimeNano)}`,
    failed !== undefined && `failed example ${formatSpanIds(failed.traceId, failed.spanId)}`,
    failed === undefined && slowest !== undefined && `slowest ${formatSpanIds(slowest.traceId, slowest.spanId)}`,
  ])}`
}

function nameOf(id: string, nodes: ReadonlyMap<string, TopologyNode>): string {
  const node = nodes.get(id)
  return node === undefined
    ? quote(id)
    : `${node.type} ${quote(node.name)}${node.cluster === '' ? '' : ` (cluster ${quote(node.cluster)})`}`
}

function formatQuantiles({ p50, p95, p99 }: TopologyEdge['durationNano']): string {
  return [p50, p95, p99].map(formatDuration).join('/')
}
