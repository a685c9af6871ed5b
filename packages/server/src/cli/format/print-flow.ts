import type { FlowResponse, FlowEdge, FlowLane } from '@spanlink/api-schema'
import { clean, clock, columnsOf, duration, fit, plural, serviceColours, type Terminal } from './terminal.ts'
import { timeBar } from './time-bar.ts'

const INDENT_AT_MOST = 8
const EDGES_SHOWN = 4
const ROOTS_SHOWN = 3
const CHAIN_ENDS = '┤ chain ends here: the receive span ended before the handler began'

/**
 * A flow: a bar a lane on one axis of time, the queue before it dotted, and below it where its
 * messages came from.
 */
export function printFlow(flow: FlowResponse, terminal: Terminal, most = Infinity): readonly string[] {
  const { paint } = terminal
  const colourOf = serviceColours()
  if (flow.lanes.length === 0) return ['No span of the flow is here.']
  const start = flow.lanes.map((lane) => BigInt(lane.startTimeUnixNano)).reduce((a, b) => (b < a ? b : a))
  const end = flow.lanes.map((lane) => BigInt(lane.endTimeUnixNano)).reduce((a, b) => (b > a ? b : a))
  const into = Map.groupBy(
    flow.edges.filter((edge) => edge.from.laneId !== edge.to.laneId),
    (edge) => edge.to.laneId ?? '',
  )
  const steps = stepsOf(flow.lanes, into)
  const indentOf = (lane: FlowLane): string => '  '.repeat(Math.min(steps.get(lane.id) ?? 0, INDENT_AT_MOST))
  const nameWidth = Math.min(
    Math.floor(terminal.columns * 0.45),
    flow.lanes.reduce((wide, lane) => Math.max(wide, columnsOf(`${indentOf(lane)}✗ ${labelOf(lane)}`)), 20),
  )
  const axis = { start, end, width: Math.max(8, terminal.columns - nameWidth - 12) }
  const lines = [...headOf(flow, start, terminal), '']
  for (const lane of flow.lanes.slice(0, most)) {
    const edges = into.get(lane.id) ?? []
    const indent = indentOf(lane)
    const colour = colourOf(lane.rootService)
    const own = fit(`${lane.errorCount > 0 ? '✗ ' : ''}${labelOf(lane)}`, nameWidth - indent.length)
    const [wait, bar, behind] = timeBar(
      axis,
      BigInt(lane.startTimeUnixNano),
      BigInt(lane.endTimeUnixNano),
      waitStart(lane, edges),
    )
    const name = paint(own, lane.errorCount > 0 ? 'red' : colour)
    const length = duration(lane.durationNano).padStart(9)
    lines.push(`${indent}${name} ${paint(wait, 'dim')}${paint(bar, colour)}${behind} ${length}`)
    for (const edge of edges.slice(0, EDGES_SHOWN)) {
      const note = fit(`${indent}  ${edge.onCriticalPath ? '◆' : '←'} ${edgeText(edge)}`, terminal.columns).trimEnd()
      lines.push(paint(note, edge.onCriticalPath ? 'yellow' : 'dim'))
    }
    if (edges.length > EDGES_SHOWN) lines.push(paint(`${indent}  ← ${edges.length - EDGES_SHOWN} more`, 'dim'))
    const joined = joinedText(lane)
    if (joined !== undefined) lines.push(paint(fit(`${indent}  + ${joined}`, terminal.columns).trimEnd(), 'dim'))
    if (lane.endsAtReceive) lines.push(paint(fit(`${indent}  ${CHAIN_ENDS}`, terminal.columns).trimEnd(), 'dim'))
    if (lane.hiddenLinks > 0) lines.push(paint(`${indent}  ${plural(lane.hiddenLinks, 'link')} lead further`, 'dim'))
  }
  if (flow.lanes.length > most) lines.push('', `${plural(flow.lanes.length - most, 'more lane')}: --limit shows more.`)
  return [...lines, ...missingOf(flow, terminal), ...pathOf(flow, terminal), ...cutsOf(flow)]
}

function headOf(flow: FlowResponse, start: bigint, { paint }: Terminal): readonly string[] {
  const { endToEndNano, codeNano, queueNano, waitingNano, spanCount, traceCount, errorCount } = flow.statistics
  const facts = [
    clock(String(start)),
    duration(endToEndNano),
    plural(traceCount, 'trace'),
    plural(spanCount, 'span'),
    ...(errorCount > 0 ? [paint(plural(errorCount, 'error'), 'red')] : []),
  ]
  const times = `${duration(codeNano)} in code · ${duration(queueNano)} in queues · ${duration(waitingNano)} waiting`
  const name = flow.title === null ? '' : `: ${clean(flow.title.service)} ${clean(flow.title.name)}`
  return [paint(`Flow of trace ${flow.traceId}${name}`, 'bold'), facts.join(' · '), times, ...originsText(flow)]
}

/** Origins by root, when there are several: the opened trace took messages of as many events. */
function originsText({ origins, originCount }: FlowResponse): readonly string[] {
  if (originCount < 2) return []
  const groups = Map.groupBy(origins, ({ rootService, rootName }) => `${clean(rootService)} ${clean(rootName)}`)
  const texts = Array.from(groups, ([root, of]) => (of.length > 1 ? `${of.length} × ${root}` : root)).slice(
    0,
    ROOTS_SHOWN,
  )
  return [`Caused by ${plural(originCount, 'event')}, of which this is the first: ${texts.join(', ')}`]
}

function joinedText({ joinedWith }: FlowLane): string | undefined {
  if (joinedWith === undefined) return undefined
  const [example] = joinedWith.examples
  const root =
    example === undefined || example.rootName === ''
      ? ''
      : `, as ${clean(example.rootService)} ${clean(example.rootName)}`
  return `joined with ${plural(joinedWith.count, 'other event')}${root}`
}

function labelOf(lane: FlowLane): string {
  return `${clean(lane.rootService)} ${clean(lane.rootName)}${lane.rootMissing ? ' (root missing)' : ''}`
}

/** How many edges a lane is away from a lane that none lead to. */
function stepsOf(
  lanes: readonly FlowLane[],
  into: ReadonlyMap<string, readonly FlowEdge[]>,
): ReadonlyMap<string, number> {
  const steps = new Map<string, number>()
  for (const lane of lanes) {
    // Lanes come in order of start, so a cause mostly has its number; one that starts later
    // (clocks) counts as none.
    const causes = (into.get(lane.id) ?? []).map((edge) => steps.get(edge.from.laneId ?? ''))
    steps.set(
      lane.id,
      causes.reduce<number>((most, step) => Math.max(most, step === undefined ? 0 : step + 1), 0),
    )
  }
  return steps
}

/** When the first message of those that the lane began with was sent. */
function waitStart(lane: FlowLane, edges: readonly FlowEdge[]): bigint | undefined {
  return edges.reduce<bigint | undefined>((first, edge) => {
    if (edge.queueTimeNano === null || edge.to.spanId !== lane.rootSpanId) return first
    const sent = BigInt(lane.startTimeUnixNano) - BigInt(edge.queueTimeNano)
    return first === undefined || sent < first ? sent : first
  }, undefined)
}

function edgeText(edge: FlowEdge): string {
  const queue = edge.queueTimeNano
  const said = [
    edge.topic === '' ? edge.role : clean(edge.topic) + (edge.partition === '' ? '' : `/${clean(edge.partition)}`),
    ...(edge.offset === '' ? [] : [`offset ${clean(edge.offset)}`]),
    ...(edge.consumerGroup === '' ? [] : [`group ${clean(edge.consumerGroup)}`]),
    ...(queue === null ? [] : [`queued ${duration(queue)}${queue.startsWith('-') ? ' (clock skew)' : ''}`]),
    edge.from.laneId === null
      ? 'from a span that is not here'
      : `from ${clean(edge.from.service)} ${clean(edge.from.name)}`,
  ]
  return said.join(' · ')
}

/** Groups that have not taken a message yet, one line a topic and group. */
function missingOf({ missingConsumers }: FlowResponse, { paint }: Terminal): readonly string[] {
  const groups = Map.groupBy(
    missingConsumers,
    ({ topic, consumerGroup }) => `${clean(topic)} by ${clean(consumerGroup)}`,
  )
  const lines = Array.from(groups, ([what, of]) => {
    const longest = of.reduce((most, { waitedNano }) => (BigInt(waitedNano) > most ? BigInt(waitedNano) : most), 0n)
    return paint(`  ${what}: ${plural(of.length, 'message')}, for ${duration(String(longest))}`, 'yellow')
  })
  return lines.length === 0 ? [] : ['', paint('Not consumed yet', 'bold'), ...lines]
}

function pathOf(flow: FlowResponse, { paint }: Terminal): readonly string[] {
  const path = flow.criticalPath
  if (path === null) return []
  const shares = path.shares.map(({ kind, name, durationNano, share }) => {
    const title = kind === 'gap' ? 'nothing known' : `${kind} ${clean(name)}`
    const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░')
    return `  ${bar} ${`${(share * 100).toFixed(1)} %`.padStart(7)} ${duration(durationNano).padStart(9)}  ${title}`
  })
  return ['', paint(`Critical path ◆ ${duration(path.durationNano)}`, 'bold'), ...shares]
}

function cutsOf({ truncated, missingTraceIds }: FlowResponse): readonly string[] {
  const cuts = [
    ...(truncated.traces ? ['More traces belong to the flow: --all shows them.'] : []),
    ...(truncated.depth ? ['The flow goes further than --max-depth.'] : []),
    ...(truncated.fanOut ? ['A step has more links than one answer holds.'] : []),
    ...(truncated.spans ? ['A trace has more spans than one answer holds.'] : []),
    ...(missingTraceIds.length > 0
      ? [
          `${plural(missingTraceIds.length, 'trace')} that links name ${missingTraceIds.length === 1 ? 'is' : 'are'} not here.`,
        ]
      : []),
  ]
  return cuts.length === 0 ? [] : ['', ...cuts]
}
