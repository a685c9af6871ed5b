import type { FlowResponse, FlowEdge, FlowLane } from '@spanlink/api-schema'
import {
  formatTime,
  measureWidth,
  formatDuration,
  fitToWidth,
  formatCount,
  createColourPicker,
  type Terminal,
} from './terminal.ts'
import { sanitize } from '../../sanitize.ts'
import { drawTimeBar, findTimeRange } from './time-bar.ts'

const MAX_INDENT = 8
const MAX_EDGES = 4
const MAX_ROOTS = 3
const CHAIN_END = '┤ no process span: the receive span ended before the handler started'

/** One line a lane: its queue time dotted, then its bar; below it the edges to it. */
export function printFlow(flow: FlowResponse, terminal: Terminal, maxLanes = Infinity): readonly string[] {
  const { paint } = terminal
  const pickColour = createColourPicker()
  if (flow.lanes.length === 0) return ['No span of the flow is stored.']
  const { start, end } = findTimeRange(flow.lanes)
  const into = Map.groupBy(
    flow.edges.filter((edge) => edge.from.laneId !== edge.to.laneId),
    (edge) => edge.to.laneId ?? '',
  )
  const steps = countSteps(flow.lanes, into)
  const indentLane = (lane: FlowLane): string => '  '.repeat(Math.min(steps.get(lane.id) ?? 0, MAX_INDENT))
  const nameWidth = Math.min(
    Math.floor(terminal.columns * 0.45),
    flow.lanes.reduce((wide, lane) => Math.max(wide, measureWidth(`${indentLane(lane)}✗ ${formatLabel(lane)}`)), 20),
  )
  const axis = { start, end, width: Math.max(8, terminal.columns - nameWidth - 12) }
  const lines = [...formatHeader(flow, start, terminal), '']
  for (const lane of flow.lanes.slice(0, maxLanes)) {
    const edges = into.get(lane.id) ?? []
    const indent = indentLane(lane)
    const colour = pickColour(lane.rootService)
    const own = fitToWidth(`${lane.errorCount > 0 ? '✗ ' : ''}${formatLabel(lane)}`, nameWidth - indent.length)
    const [wait, bar, behind] = drawTimeBar(
      axis,
      BigInt(lane.startTimeUnixNano),
      BigInt(lane.endTimeUnixNano),
      findWaitStart(lane, edges),
    )
    const name = paint(own, lane.errorCount > 0 ? 'red' : colour)
    const length = formatDuration(lane.durationNano).padStart(9)
    lines.push(`${indent}${name} ${paint(wait, 'dim')}${paint(bar, colour)}${behind} ${length}`)
    const addNote = (note: string, style: 'dim' | 'yellow' = 'dim'): void =>
      void lines.push(paint(fitToWidth(`${indent}  ${note}`, terminal.columns).trimEnd(), style))
    for (const edge of edges.slice(0, MAX_EDGES)) {
      if (edge.onCriticalPath) addNote(`◆ ${formatEdge(edge)}`, 'yellow')
      else addNote(`← ${formatEdge(edge)}`)
    }
    if (edges.length > MAX_EDGES) addNote(`← ${edges.length - MAX_EDGES} more`)
    const joined = formatJoined(lane)
    if (joined !== undefined) addNote(`+ ${joined}`)
    if (lane.endsAtReceive) addNote(CHAIN_END)
    if (lane.hiddenLinks > 0) addNote(`${formatCount(lane.hiddenLinks, 'link')} not shown`)
  }
  if (flow.lanes.length > maxLanes)
    lines.push('', `${formatCount(flow.lanes.length - maxLanes, 'more lane')}: --limit shows more.`)
  return [...lines, ...formatMissingConsumers(flow, terminal), ...formatCriticalPath(flow, terminal)]
}

function formatHeader(flow: FlowResponse, start: bigint, { paint }: Terminal): readonly string[] {
  const { endToEndNano, processingNano, queueNano, idleNano, spanCount, traceCount, errorCount } = flow.statistics
  const facts = [
    formatTime(String(start)),
    formatDuration(endToEndNano),
    formatCount(traceCount, 'trace'),
    formatCount(spanCount, 'span'),
    ...(errorCount > 0 ? [paint(formatCount(errorCount, 'error'), 'red')] : []),
  ]
  const times = `${formatDuration(processingNano)} processing · ${formatDuration(queueNano)} queue time · ${formatDuration(idleNano)} idle`
  const name = flow.title === null ? '' : `: ${sanitize(flow.title.service)} ${sanitize(flow.title.name)}`
  return [paint(`Flow of trace ${flow.traceId}${name}`, 'bold'), facts.join(' · '), times, ...formatOrigins(flow)]
}

/** Origins by root, when the trace consumed messages of several events. */
function formatOrigins({ origins, originCount }: FlowResponse): readonly string[] {
  if (originCount < 2) return []
  const groups = Map.groupBy(origins, ({ rootService, rootName }) => `${sanitize(rootService)} ${sanitize(rootName)}`)
  const texts = Array.from(groups, ([root, of]) => (of.length > 1 ? `${of.length} × ${root}` : root)).slice(
    0,
    MAX_ROOTS,
  )
  return [`${formatCount(originCount, 'origin')}; showing the first: ${texts.join(', ')}`]
}

function formatJoined({ joinedWith }: FlowLane): string | undefined {
  if (joinedWith === undefined) return undefined
  const [example] = joinedWith.examples
  const root =
    example === undefined || example.rootName === ''
      ? ''
      : `, as ${sanitize(example.rootService)} ${sanitize(example.rootName)}`
  return `joined with ${formatCount(joinedWith.count, 'other event')}${root}`
}

function formatLabel(lane: FlowLane): string {
  return `${sanitize(lane.rootService)} ${sanitize(lane.rootName)}${lane.rootMissing ? ' (root missing)' : ''}`
}

/** The number of edges from a lane without causes to each lane. */
function countSteps(
  lanes: readonly FlowLane[],
  into: ReadonlyMap<string, readonly FlowEdge[]>,
): ReadonlyMap<string, number> {
  const steps = new Map<string, number>()
  for (const lane of lanes) {
    // Lanes are in order of start, so causes come first; one that starts later (clock skew) is
    // ignored.
    const causes = (into.get(lane.id) ?? []).map((edge) => steps.get(edge.from.laneId ?? ''))
    steps.set(
      lane.id,
      causes.reduce<number>((max, step) => Math.max(max, step === undefined ? 0 : step + 1), 0),
    )
  }
  return steps
}

/** The send time of the first message that the root span of the lane processed. */
function findWaitStart(lane: FlowLane, edges: readonly FlowEdge[]): bigint | undefined {
  return edges.reduce<bigint | undefined>((first, edge) => {
    if (edge.queueTimeNano === null || edge.to.spanId !== lane.rootSpanId) return first
    const sent = BigInt(lane.startTimeUnixNano) - BigInt(edge.queueTimeNano)
    return first === undefined || sent < first ? sent : first
  }, undefined)
}

function formatEdge(edge: FlowEdge): string {
  const queue = edge.queueTimeNano
  const facts = [
    edge.topic === ''
      ? edge.role
      : sanitize(edge.topic) + (edge.partition === '' ? '' : `/${sanitize(edge.partition)}`),
    ...(edge.offset === '' ? [] : [`offset ${sanitize(edge.offset)}`]),
    ...(edge.consumerGroup === '' ? [] : [`group ${sanitize(edge.consumerGroup)}`]),
    ...(queue === null ? [] : [`queue time ${formatDuration(queue)}${queue.startsWith('-') ? ' (clock skew)' : ''}`]),
    edge.from.laneId === null
      ? 'from a span that is not stored'
      : `from ${sanitize(edge.from.service)} ${sanitize(edge.from.name)}`,
  ]
  return facts.join(' · ')
}

/** One line for each topic and group that has not consumed a message yet. */
function formatMissingConsumers({ missingConsumers }: FlowResponse, { paint }: Terminal): readonly string[] {
  const groups = Map.groupBy(
    missingConsumers,
    ({ topic, consumerGroup }) => `${sanitize(topic)} by ${sanitize(consumerGroup)}`,
  )
  const lines = Array.from(groups, ([what, of]) => {
    const longest = of.reduce((max, { waitNano }) => (BigInt(waitNano) > max ? BigInt(waitNano) : max), 0n)
    return paint(`  ${what}: ${formatCount(of.length, 'message')}, for ${formatDuration(String(longest))}`, 'yellow')
  })
  return lines.length === 0 ? [] : ['', paint('Missing consumers', 'bold'), ...lines]
}

function formatCriticalPath(flow: FlowResponse, { paint }: Terminal): readonly string[] {
  const path = flow.criticalPath
  if (path === null) return []
  const shares = path.shares.map(({ kind, name, durationNano, share }) => {
    const title = kind === 'gap' ? 'untraced' : `${kind} ${sanitize(name)}`
    const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░')
    return `  ${bar} ${`${(share * 100).toFixed(1)} %`.padStart(7)} ${formatDuration(durationNano).padStart(9)}  ${title}`
  })
  return ['', paint(`Critical path ◆ ${formatDuration(path.durationNano)}`, 'bold'), ...shares]
}

/** Notes on omitted parts. `all`: `--all` loaded every page that it may. */
export function formatFlowNotes({ truncated, missingTraceIds }: FlowResponse, all = false): readonly string[] {
  return [
    ...(truncated.traces && !all ? ['Some traces omitted: --all shows them.'] : []),
    ...(truncated.depth ? ['The flow continues beyond --max-depth.'] : []),
    ...(truncated.fanOut ? ['Some consumers omitted: link limit reached.'] : []),
    ...(truncated.spans ? ['Some spans omitted: span limit reached.'] : []),
    ...(missingTraceIds.length > 0
      ? [
          `${formatCount(missingTraceIds.length, 'linked trace')} ${missingTraceIds.length === 1 ? 'is' : 'are'} not stored.`,
        ]
      : []),
  ]
}
