import { useEffect } from 'preact/hooks'
import '../../components/graph/graph.css'
import './flow-graph.css'
import { formatDuration } from '../../lib/format/duration.ts'
import { flowGraph } from './flow-graph.ts'
import { computeGroupStatistics } from '../model/flow-group.ts'
import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow } from '../timeline/flow-rows.ts'
import { selectionUrl } from '../flow-url.ts'
import { toggleRow, type FlowProps } from '../flow-view.ts'
import { replace } from '../../lib/url.ts'
import { GraphCanvas } from '../../components/graph/graph-canvas.tsx'
import { Icon } from '../../components/buttons/icon.tsx'
import { ServiceName, Text, ErrorCount } from '../../components/labels/labels.tsx'
import { selectRow } from '../flow-selection.ts'
import { describeRow } from '../timeline/row-description.ts'

const NODE_WIDTH = 212
const NODE_HEIGHT = 48

/** Graph of causes and effects. Its nodes are the timeline's rows, so both share the folds. */
export function FlowGraph({ view, pageState }: FlowProps) {
  const model = view.model.value
  const { nodes, edges } = flowGraph(model, view.rows.value, view.rowByLane.value)
  const cursor = view.rows.value[view.cursorRow.value]?.id
  useEffect(() => {
    if (!view.wantsFocus.value || cursor === undefined) return
    view.wantsFocus.value = false
    const node = [...document.querySelectorAll<HTMLElement>('.flow-node')].find((one) => one.dataset['row'] === cursor)
    node?.focus({ preventScroll: true })
  }, [cursor, view.wantsFocus.value])
  return (
    <GraphCanvas
      label="Traces of the flow, producers left of consumers"
      gap={168}
      cursor={cursor}
      nodes={nodes.map((row) => ({
        id: row.id,
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
        content: <FlowNode view={view} pageState={pageState} row={row} isCursor={row.id === cursor} />,
      }))}
      edges={edges.map((edge) => ({
        id: edge.id,
        from: edge.from,
        to: edge.to,
        class: `${edge.isCritical ? 'critical' : ''} ${edge.isNegative ? 'skew' : ''} ${edge.ids.includes(pageState.edge ?? '') ? 'selected' : ''}`,
        width: edge.isCritical ? 2.5 : 1.25,
        weight: edge.isCritical ? 4 : 1,
        label: (
          <>
            {edge.topic !== '' && <Text>{edge.topic}</Text>}
            {edge.queueTime !== undefined && <b>{formatDuration(edge.queueTime)}</b>}
            {edge.count > 1 && <span class="faint">×{edge.count.toLocaleString('en')}</span>}
          </>
        ),
      }))}
      onEdge={(id) => {
        const edge = edges.find((one) => one.id === id)?.ids[0]
        if (edge !== undefined) replace(selectionUrl(pageState, { edge }))
      }}
    />
  )
}

function FlowNode(props: FlowProps & { readonly row: FlowRow; readonly isCursor: boolean }) {
  const { view, pageState, row } = props
  const model = view.model.value
  const attributes = {
    type: 'button' as const,
    'data-row': row.id,
    tabIndex: props.isCursor ? 0 : -1,
    title: describeRow(model, row),
    onFocus: () => (view.cursor.value = row.id),
  }
  if (row.kind === 'missing') {
    return (
      <button {...attributes} class="flow-node missing" onClick={() => selectRow(view, pageState, row.id)}>
        <span class="node-line">
          <Icon name="warning" label="Not consumed" />
          <Text>{row.consumerGroup}</Text>
        </span>
        <span class="node-line">
          <span>not consumed yet</span>
        </span>
      </button>
    )
  }
  const lanes = row.kind === 'group' ? row.members : [row.kind === 'lane' ? row.lane : -1]
  const lane = model.lanes[lanes[0] ?? -1]
  if (lane === undefined) return null
  const statistics = computeGroupStatistics(model, lanes)
  const isSelected = row.kind === 'lane' && pageState.lane === row.id
  return (
    <button
      {...attributes}
      class={`flow-node ${row.kind} ${statistics.hasPath ? 'critical' : ''} ${isSelected ? 'selected' : ''}`}
      onClick={() => {
        view.cursor.value = row.id
        if (row.kind === 'group') toggleRow(view, row)
        else selectRow(view, pageState, row.id)
      }}
    >
      <span class="node-line">
        {row.kind === 'group' && <span class="tag times">×{row.members.length.toLocaleString('en')}</span>}
        <ServiceName name={lane.rootService} />
        {statistics.errorCount > 0 && (
          <ErrorCount label="errors">{statistics.errorCount.toLocaleString('en')}</ErrorCount>
        )}
      </span>
      <span class="node-line">
        <Text class="operation">{lane.rootName}</Text>
        <span class="faint">{nodeTime(model, row, statistics.duration.median)}</span>
      </span>
    </button>
  )
}

function nodeTime(model: FlowModel, row: FlowRow, median: number): string {
  if (row.kind !== 'lane') return `~${formatDuration(median)}`
  return formatDuration((model.end[row.lane] ?? 0) - (model.start[row.lane] ?? 0))
}
