import { signal, useComputed } from '@preact/signals'
import type { ComponentProps } from 'preact'
import { useMemo } from 'preact/hooks'
import { ROW_HEIGHT } from './paint-waterfall.ts'
import type { TraceView } from '../trace-view.ts'
import { TimedTree } from '../../components/tree/timed-tree.tsx'
import { SpanRow } from './span-row.tsx'
import { waterfallPainting } from './waterfall-painting.ts'

/** Space for the duration label of the bar that ends last, usually the root. */
const RIGHT_AIR = 60

const labelWidth = signal<number | undefined>(undefined)

export function Waterfall({ view, selected }: { readonly view: TraceView; readonly selected: string | undefined }) {
  const painting = useMemo(() => waterfallPainting(view), [view])
  const count = useComputed(() => view.rows.value.length)
  const rows = view.rows.value
  const model = view.model.value
  return (
    <TimedTree
      view={view}
      count={count}
      rowHeight={ROW_HEIGHT}
      painting={painting}
      label="Spans"
      head="Span"
      labelWidth={labelWidth}
      rightAir={RIGHT_AIR}
      makeRow={makeRow}
      rowAt={({ row, isTabStop, isCursor }) => {
        const position = rows[row] ?? -1
        const spanId = model.spans[position]?.spanId ?? ''
        return { view, position, row, isTabStop, isCursor, isSelected: spanId === selected }
      }}
    />
  )
}

function makeRow(key: string, props: ComponentProps<typeof SpanRow>) {
  return <SpanRow key={key} {...props} />
}
