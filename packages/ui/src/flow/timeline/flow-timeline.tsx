import { signal, useComputed } from '@preact/signals'
import type { ComponentProps } from 'preact'
import { useMemo } from 'preact/hooks'
import { FLOW_ROW_HEIGHT } from './paint-flow.ts'
import { TimedTree } from '../../components/tree/timed-tree.tsx'
import { flowPainting } from './flow-painting.ts'
import { FlowRowView } from './flow-row.tsx'
import type { FlowProps } from '../flow-view.ts'

/** Space for the duration label of the bar that ends last. */
const RIGHT_AIR = 64

const labelWidth = signal<number | undefined>(undefined)

/**
 * Same structure as the waterfall: rows for names over one canvas for bars, waits and the critical
 * path.
 */
export function FlowTimeline({ view, pageState }: FlowProps) {
  const painting = useMemo(() => flowPainting(view), [view])
  const count = useComputed(() => view.rows.value.length)
  const rows = view.rows.value
  return (
    <TimedTree
      view={view}
      count={count}
      rowHeight={FLOW_ROW_HEIGHT}
      painting={painting}
      class="flow-timeline"
      label="Traces of the flow"
      head="Trace"
      labelWidth={labelWidth}
      rightAir={RIGHT_AIR}
      makeRow={makeRow}
      rowAt={({ row: index, isTabStop, isCursor, timeline }) => {
        const row = rows[index]
        return row === undefined ? undefined : { view, pageState, row, index, isTabStop, isCursor, timeline }
      }}
    />
  )
}

function makeRow(key: string, props: ComponentProps<typeof FlowRowView>) {
  return <FlowRowView key={key} {...props} />
}
