import { batch, type ReadonlySignal } from '@preact/signals'
import { FLOW_ROW_HEIGHT } from './paint-flow.ts'
import { formatDuration } from '../../lib/format/duration.ts'
import { computeGroupStatistics } from '../model/flow-group.ts'
import { hitTestRow } from './hit-test.ts'
import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow, MissingRow } from './flow-rows.ts'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { NO_PROCESS_SPAN_NOTE, formatEventCount } from '../model/flow-messages.ts'
import { flowUrl, selectionUrl, type FlowPageState } from '../flow-url.ts'
import { toggleLane, toggleRow, type FlowProps } from '../flow-view.ts'
import { onPlainClick, push, replace } from '../../lib/url.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { Text, SpanName, ErrorCount } from '../../components/labels/labels.tsx'
import { selectRow } from '../flow-selection.ts'
import { describeRow } from './row-description.ts'

const INDENT = 14
const DEEPEST_INDENT = 6
/** Hit tolerance beside a bar, in pixels. */
const SLACK = 3

interface RowProps extends FlowProps {
  readonly row: FlowRow
  readonly index: number
  readonly isTabStop: boolean
  readonly isCursor: boolean
  /** Width of the time axis in CSS pixels. */
  readonly timeline: ReadonlySignal<number>
}

export function FlowRowView(props: RowProps) {
  const { view, pageState, row, index } = props
  const model = view.model.value
  const isSelected = isRowSelected(model, row, pageState)
  const hasPath = row.kind === 'lane' && model.onPath[row.lane] === 1
  const isOpened = row.kind === 'lane' && isOpenedLane(model, row.lane, pageState)
  const state = `${row.kind} ${isOpened ? 'opened' : ''} ${props.isCursor ? 'cursor' : ''} ${isSelected ? 'selected' : ''} ${hasPath ? 'critical' : ''}`
  const isOpen = row.kind === 'group' ? row.isExpanded : row.kind === 'lane' && row.isParent ? !row.isFolded : undefined
  const hit = (event: MouseEvent & { readonly currentTarget: HTMLElement }): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left
    const { from, to } = view.window.peek()
    const perPixel = (to - from) / Math.max(1, props.timeline.peek())
    const found = hitTestRow(model, row, from + x * perPixel, SLACK * perPixel)
    if (found === undefined || pageState.against !== undefined) return
    event.stopPropagation()
    batch(() => {
      view.cursor.value = row.id
      const change =
        found.kind === 'lane' ? { lane: found.lane } : found.kind === 'edge' ? { edge: found.edge } : { span: found }
      replace(selectionUrl(pageState, change))
    })
  }
  return (
    <div
      role="row"
      class={`span-row flow-row ${state}`}
      aria-level={row.depth + 1}
      aria-rowindex={index + 2}
      aria-expanded={isOpen}
      aria-selected={isSelected}
      tabIndex={props.isTabStop ? 0 : -1}
      style={{ top: `${index * FLOW_ROW_HEIGHT}px` }}
      onClick={() => {
        view.cursor.value = row.id
        if (row.kind === 'group') toggleRow(view, row)
        selectRow(view, pageState, row.id)
      }}
      onFocus={() => (view.cursor.value = row.id)}
    >
      <div
        role="gridcell"
        class="label-cell"
        style={{ paddingLeft: `${Math.min(row.depth, DEEPEST_INDENT) * INDENT + 4}px` }}
      >
        {isOpen === undefined ? (
          <span class="twist" />
        ) : (
          <button
            type="button"
            class={`twist ${isOpen ? 'open' : ''}`}
            tabIndex={-1}
            aria-label={isOpen ? 'Collapse' : 'Expand'}
            onClick={(event) => {
              event.stopPropagation()
              view.cursor.value = row.id
              toggleRow(view, row)
            }}
          >
            <Icon name="chevronRight" />
          </button>
        )}
        <RowLabel {...props} />
      </div>
      <div role="gridcell" class="time-cell" aria-label={describeRow(model, row)} onClick={hit} />
    </div>
  )
}

function RowLabel(props: RowProps) {
  const { row, view } = props
  const model = view.model.value
  switch (row.kind) {
    case 'lane':
      return <LaneLabel {...props} lane={row.lane} isOpen={row.isOpen} />
    case 'group':
      return <GroupLabel model={model} members={row.members} />
    case 'span':
      return (
        <>
          {row.spans.error[row.span] === 1 && <Icon name="error" label="Error" />}
          <SpanName service={row.spans.service[row.span] ?? ''} name={row.spans.name[row.span] ?? ''} />
        </>
      )
    case 'missing':
      return <MissingLabel row={row} />
    case 'loading':
      return <span class="faint">{row.error ?? 'Loading the spans…'}</span>
  }
}

function LaneLabel({ view, pageState, lane, isOpen }: RowProps & { readonly lane: number; readonly isOpen: boolean }) {
  const model = view.model.value
  const shown = model.lanes[lane]
  if (shown === undefined) return null
  const wait = model.edges[model.parentEdge[lane] ?? -1]?.edge
  const missing =
    (model.incoming[lane] ?? []).length === 0 && model.edges.some((one) => one.toLane === lane && one.fromLane < 0)
  const url = selectionUrl(pageState, { lane: shown.id })
  const joinedUrl = flowUrl(pageState.traceId, { ...pageState, joined: true })
  return (
    <>
      {shown.errorCount > 0 && <Icon name="error" label={`${shown.errorCount} errors`} />}
      <a
        class="lane-link"
        href={url}
        tabIndex={-1}
        // The row handles a plain click.
        onClick={onPlainClick(() => undefined)}
      >
        <SpanName service={shown.rootService} name={shown.rootName} />
      </a>
      <span class="badges">
        {isOpenedLane(model, lane, pageState) && <span class="tag opened-tag">opened</span>}
        {shown.joinedWith !== undefined && !pageState.joined && (
          <a
            class="tag joined"
            tabIndex={-1}
            href={joinedUrl}
            title={`This batch also has messages of ${formatEventCount(shown.joinedWith.count)}. Load them into the flow`}
            onClick={(event) => {
              event.stopPropagation()
              onPlainClick(() => push(joinedUrl))(event)
            }}
          >
            +{shown.joinedWith.count.toLocaleString('en')} {shown.joinedWith.count === 1 ? 'event' : 'events'}
          </a>
        )}
        {shown.endsAtReceive && (
          <span class="tag" title={NO_PROCESS_SPAN_NOTE}>
            no process span
          </span>
        )}
        {missing && (
          <span class="tag" title="The producing span was not found: not sampled, expired, or sent elsewhere">
            producer not found
          </span>
        )}
        {shown.hiddenLinks > 0 && (
          <span class="tag" title="Links of this trace to traces that are not shown here">
            +{shown.hiddenLinks.toLocaleString('en')} links
          </span>
        )}
        {wait?.queueTimeNano?.startsWith('-') === true && (
          <span
            class="tag warn"
            title={`Clock skew: consumed before it was sent, ${formatDuration(Number(wait.queueTimeNano))}`}
          >
            {formatDuration(Number(wait.queueTimeNano))}
          </span>
        )}
        {wait !== undefined && wait.topic !== '' && (
          <span class="wait" title={waitTitle(wait.topic, wait.partition, wait.offset)}>
            <Text>{wait.topic}</Text>
          </span>
        )}
        <button
          type="button"
          class={`spans-button ${isOpen ? 'open' : ''}`}
          tabIndex={-1}
          aria-pressed={isOpen}
          title={isOpen ? 'Hide spans (o)' : 'Show spans (o)'}
          aria-label={`${shown.spanCount} spans`}
          onClick={(event) => {
            event.stopPropagation()
            view.cursor.value = shown.id
            toggleLane(view, lane)
          }}
        >
          {shown.spanCount.toLocaleString('en')}
        </button>
      </span>
    </>
  )
}

/** Label of a consumer group that has not consumed the messages sent to its topic. */
function MissingLabel({ row }: { readonly row: MissingRow }) {
  return (
    <>
      <Icon name="warning" label="Not consumed" />
      {row.count > 1 && <span class="tag times">×{row.count.toLocaleString('en')}</span>}
      <Text class="missing-group">{`not consumed by ${row.consumerGroup} yet`}</Text>
      <span class="badges">
        <span class="wait" title={waitTitle(row.topic, '', '')}>
          <Text>{row.topic}</Text>
        </span>
      </span>
    </>
  )
}

/** True for the trace that the user opened, if the flow starts in another trace. */
function isOpenedLane(model: FlowModel, lane: number, pageState: FlowPageState): boolean {
  const { title } = model.response
  return title !== null && title.traceId !== pageState.traceId && model.lanes[lane]?.traceId === pageState.traceId
}

function GroupLabel({ model, members }: { readonly model: FlowModel; readonly members: readonly number[] }) {
  const first = model.lanes[members[0] ?? -1]
  const wait = model.edges[model.parentEdge[members[0] ?? -1] ?? -1]?.edge
  const { count, failedLanes, duration } = computeGroupStatistics(model, members)
  if (first === undefined) return null
  return (
    <>
      <span class="tag times">×{count.toLocaleString('en')}</span>
      <SpanName service={first.rootService} name={first.rootName} />
      <span class="badges">
        {failedLanes > 0 && (
          <ErrorCount title={`${failedLanes} of ${count} have errors`}>{failedLanes.toLocaleString('en')}</ErrorCount>
        )}
        {wait !== undefined && wait.topic !== '' && (
          <span class="wait" title={waitTitle(wait.topic, '', '')}>
            <Text>{wait.topic}</Text>
          </span>
        )}
        <span class="spread" title="Median duration of its traces">
          ~{formatDuration(duration.median)}
        </span>
      </span>
    </>
  )
}

function waitTitle(topic: string, partition: string, offset: string): string {
  const at = partition === '' ? '' : `, partition ${sanitizeText(partition, 20)}`
  return `Topic ${sanitizeText(topic, 120)}${at}${offset === '' ? '' : `, offset ${sanitizeText(offset, 30)}`}`
}

function isRowSelected(model: FlowModel, row: FlowRow, pageState: FlowPageState): boolean {
  if (row.kind === 'lane') {
    if (pageState.lane !== undefined) return pageState.lane === row.id
    const span = pageState.span
    return span !== undefined && model.spans.get(`${span.traceId}/${span.spanId}`)?.lane === row.lane && !row.isOpen
  }
  if (row.kind !== 'span' || pageState.span === undefined) return false
  return row.id.endsWith(`/${pageState.span.spanId}`) && model.lanes[row.lane]?.traceId === pageState.span.traceId
}
