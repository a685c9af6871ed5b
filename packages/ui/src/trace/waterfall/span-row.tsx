import { formatDuration } from '../../lib/format/duration.ts'
import { hasChildren, isFolded } from '../model/visible-rows.ts'
import type { TraceModel } from '../model/trace-model.ts'
import { ROW_HEIGHT } from './paint-waterfall.ts'
import { setCollapsed, setFolded, type TraceView } from '../trace-view.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { SpanName, ErrorCount } from '../../components/labels/labels.tsx'
import { RowBadges } from './row-badges.tsx'
import { openDetails } from '../trace-keys.ts'

const INDENT = 14
/**
 * Maximum indent level, so that names stay within the column. `aria-level` still has the real
 * depth.
 */
const DEEPEST_INDENT = 16

export function SpanRow(props: {
  readonly view: TraceView
  readonly position: number
  readonly row: number
  readonly isTabStop: boolean
  readonly isCursor: boolean
  readonly isSelected: boolean
}) {
  const { view, position, row } = props
  const model = view.model.value
  const span = model.spans[position]
  if (span === undefined) return null
  const folded = isFolded(model, position, view.unfolded.value)
  const groupSize = model.folds.size[position] ?? 0
  const isParent = folded || hasChildren(model, position)
  const isCollapsed = folded || (isParent && view.collapsed.value.has(span.spanId))
  const isError = model.error[position] === 1
  const isMatch = view.matchSet.value.has(position)
  const depth = model.depth[position] ?? 0
  const state = `${props.isCursor ? 'cursor' : ''} ${props.isSelected ? 'selected' : ''} ${isMatch ? 'match' : ''} ${isError ? 'failed' : ''}`
  return (
    <div
      role="row"
      class={`span-row ${state}`}
      aria-level={depth + 1}
      aria-rowindex={row + 2}
      aria-expanded={isParent ? !isCollapsed : undefined}
      aria-selected={props.isSelected}
      tabIndex={props.isTabStop ? 0 : -1}
      style={{ top: `${row * ROW_HEIGHT}px` }}
      onClick={() => openDetails(view, span.spanId)}
      onFocus={() => (view.cursor.value = span.spanId)}
    >
      <div
        role="gridcell"
        class="label-cell"
        style={{ paddingLeft: `${Math.min(depth, DEEPEST_INDENT) * INDENT + 4}px` }}
      >
        {isParent ? (
          <button
            type="button"
            class={`twist ${isCollapsed ? '' : 'open'}`}
            tabIndex={-1}
            aria-label={isCollapsed ? 'Expand' : 'Collapse'}
            onClick={(event) => {
              event.stopPropagation()
              view.cursor.value = span.spanId
              if (folded) setFolded(view, span.spanId, false)
              else setCollapsed(view, span.spanId, !isCollapsed)
            }}
          >
            <Icon name="chevronRight" />
          </button>
        ) : (
          <span class="twist" />
        )}
        {isError && <Icon name="error" label="Error" />}
        <SpanName service={span.service} name={span.name} />
        {groupSize > 0 && (
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            aria-label={folded ? `Show all ${groupSize} similar spans` : `Group ${groupSize} similar spans`}
            title={folded ? `${groupSize} similar spans: show all` : 'Group similar spans'}
            onClick={(event) => {
              event.stopPropagation()
              view.cursor.value = span.spanId
              setFolded(view, span.spanId, !folded)
            }}
          >
            ×{groupSize.toLocaleString('en')}
          </button>
        )}
        {folded && (model.folds.errors[position] ?? 0) > 0 && (
          <ErrorCount label="errors in the group" title="Errors in the group">
            {model.folds.errors[position]}
          </ErrorCount>
        )}
        {isCollapsed && !folded && <HiddenBelow model={model} position={position} />}
        <RowBadges view={view} position={position} isCollapsed={isCollapsed} />
      </div>
      <div role="gridcell" class="time-cell" aria-label={spokenBar(model, position)} />
    </div>
  )
}

function HiddenBelow({ model, position }: { readonly model: TraceModel; readonly position: number }) {
  const hidden = (model.subtreeEnd[position] ?? 0) - position - 1
  const errors = (model.below.errors[position] ?? 0) - (model.error[position] ?? 0)
  return (
    <>
      <span class="tag" title={`${hidden} spans below`}>
        +{hidden.toLocaleString('en')}
      </span>
      {errors > 0 && (
        <ErrorCount label="errors below" title={`${errors} errors below`}>
          {errors.toLocaleString('en')}
        </ErrorCount>
      )}
    </>
  )
}

function spokenBar(model: TraceModel, position: number): string {
  const start = model.start[position] ?? 0
  const length = (model.end[position] ?? 0) - start
  const share = model.duration === 0 ? 100 : (length / model.duration) * 100
  return `${formatDuration(length)}, starts at ${formatDuration(start)}, ${share < 1 ? 'under 1' : Math.round(share)}% of the trace`
}
