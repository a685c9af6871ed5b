import { batch, type ReadonlySignal } from '@preact/signals'
import { FLOW_ROW_HEIGHT } from './paint-flow.ts'
import { durationText } from '../../lib/format/duration-text.ts'
import { groupStatistics } from '../model/flow-group.ts'
import { flowHit } from './hit-test.ts'
import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow, MissingRow } from './flow-rows.ts'
import { visibleText } from '../../lib/format/visible-text.ts'
import { CHAIN_ENDS, eventsText } from '../model/flow-messages.ts'
import { flowUrl, selectionUrl, type FlowPlace } from '../flow-url.ts'
import { toggleLane, toggleRow, type FlowView } from '../flow-view.ts'
import { isPlainClick, push, replace } from '../../lib/url.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'
import { selectRow } from '../flow-selection.ts'
import { rowWords } from './row-description.ts'

const INDENT = 14
const DEEPEST_INDENT = 6
/** Pixels beside a bar that still hit it. */
const SLACK = 3

interface RowProps {
  readonly view: FlowView
  readonly place: FlowPlace
  readonly row: FlowRow
  readonly index: number
  readonly isTabStop: boolean
  readonly isCursor: boolean
  /** Width of the time axis in CSS pixels. */
  readonly timeline: ReadonlySignal<number>
}

export function FlowRowView(props: RowProps) {
  const { view, place, row, index } = props
  const model = view.model.value
  const isSelected = isRowSelected(model, row, place)
  const hasPath = row.kind === 'lane' && model.onPath[row.lane] === 1
  const isOpened = row.kind === 'lane' && isOpenedLane(model, row.lane, place)
  const state = `${row.kind} ${isOpened ? 'opened' : ''} ${props.isCursor ? 'cursor' : ''} ${isSelected ? 'selected' : ''} ${hasPath ? 'critical' : ''}`
  const isOpen = row.kind === 'group' ? row.isExpanded : row.kind === 'lane' && row.isParent ? !row.isFolded : undefined
  const hit = (event: MouseEvent & { readonly currentTarget: HTMLElement }): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left
    const { from, to } = view.window.peek()
    const perPixel = (to - from) / Math.max(1, props.timeline.peek())
    const found = flowHit(model, row, from + x * perPixel, SLACK * perPixel)
    if (found === undefined || place.against !== undefined) return
    event.stopPropagation()
    batch(() => {
      view.cursor.value = row.id
      const change =
        found.kind === 'lane' ? { lane: found.lane } : found.kind === 'edge' ? { edge: found.edge } : { span: found }
      replace(selectionUrl(place, change))
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
        selectRow(view, place, row.id)
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
            aria-label={isOpen ? 'Fold' : 'Unfold'}
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
      <div role="gridcell" class="time-cell" aria-label={rowWords(model, row)} onClick={hit} />
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
          <ServiceName name={row.spans.service[row.span] ?? ''} />
          <Text class="operation">{row.spans.name[row.span] ?? ''}</Text>
        </>
      )
    case 'missing':
      return <MissingLabel row={row} />
    case 'waiting':
      return <span class="faint">{row.error ?? 'Loading the spans…'}</span>
  }
}

function LaneLabel({ view, place, lane, isOpen }: RowProps & { readonly lane: number; readonly isOpen: boolean }) {
  const model = view.model.value
  const shown = model.lanes[lane]
  if (shown === undefined) return null
  const wait = model.edges[model.parentEdge[lane] ?? -1]?.edge
  const missing =
    (model.incoming[lane] ?? []).length === 0 && model.edges.some((one) => one.toLane === lane && one.fromLane < 0)
  const url = selectionUrl(place, { lane: shown.id })
  return (
    <>
      {shown.errorCount > 0 && <Icon name="error" label={`${shown.errorCount} errors`} />}
      <a
        class="lane-link"
        href={url}
        tabIndex={-1}
        onClick={(event) => {
          // A plain click is the row's own.
          if (isPlainClick(event)) event.preventDefault()
        }}
      >
        <ServiceName name={shown.rootService} />
        <Text class="operation">{shown.rootName}</Text>
      </a>
      <span class="badges">
        {isOpenedLane(model, lane, place) && <span class="tag opened-tag">opened</span>}
        {shown.joinedWith !== undefined && !place.joined && (
          <a
            class="tag joined"
            tabIndex={-1}
            href={flowUrl(place.traceId, { ...place, joined: true })}
            title={`This batch also took messages of ${eventsText(shown.joinedWith.count)}. Load them into the flow`}
            onClick={(event) => {
              event.stopPropagation()
              if (!isPlainClick(event)) return
              event.preventDefault()
              push(flowUrl(place.traceId, { ...place, joined: true }))
            }}
          >
            +{shown.joinedWith.count.toLocaleString('en')} {shown.joinedWith.count === 1 ? 'event' : 'events'}
          </a>
        )}
        {shown.endsAtReceive && (
          <span class="tag" title={CHAIN_ENDS}>
            chain ends here
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
            title={`Clock skew: consumed before it was sent, ${durationText(Number(wait.queueTimeNano))}`}
          >
            {durationText(Number(wait.queueTimeNano))}
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
          title={isOpen ? 'Hide its spans (o)' : 'Show all of its spans, in place (o)'}
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

/** A group that has not consumed what was sent to its topic. */
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

/** The trace that the reader opened, where the flow began elsewhere. */
function isOpenedLane(model: FlowModel, lane: number, place: FlowPlace): boolean {
  const { title } = model.answer
  return title !== null && title.traceId !== place.traceId && model.lanes[lane]?.traceId === place.traceId
}

function GroupLabel({ model, members }: { readonly model: FlowModel; readonly members: readonly number[] }) {
  const first = model.lanes[members[0] ?? -1]
  const wait = model.edges[model.parentEdge[members[0] ?? -1] ?? -1]?.edge
  const { count, failedLanes, duration } = groupStatistics(model, members)
  if (first === undefined) return null
  return (
    <>
      <span class="tag times">×{count.toLocaleString('en')}</span>
      <ServiceName name={first.rootService} />
      <Text class="operation">{first.rootName}</Text>
      <span class="badges">
        {failedLanes > 0 && (
          <span class="errors" title={`${failedLanes} of ${count} have errors`}>
            <Icon name="error" />
            {failedLanes.toLocaleString('en')}
          </span>
        )}
        {wait !== undefined && wait.topic !== '' && (
          <span class="wait" title={waitTitle(wait.topic, '', '')}>
            <Text>{wait.topic}</Text>
          </span>
        )}
        <span class="spread" title="Median duration of its traces">
          ~{durationText(duration.median)}
        </span>
      </span>
    </>
  )
}

function waitTitle(topic: string, partition: string, offset: string): string {
  const at = partition === '' ? '' : `, partition ${visibleText(partition, 20)}`
  return `Over the topic ${visibleText(topic, 120)}${at}${offset === '' ? '' : `, offset ${visibleText(offset, 30)}`}`
}

function isRowSelected(model: FlowModel, row: FlowRow, place: FlowPlace): boolean {
  if (row.kind === 'lane') {
    if (place.lane !== undefined) return place.lane === row.id
    const span = place.span
    return span !== undefined && model.spans.get(`${span.traceId}/${span.spanId}`)?.lane === row.lane && !row.isOpen
  }
  if (row.kind !== 'span' || place.span === undefined) return false
  return row.id.endsWith(`/${place.span.spanId}`) && model.lanes[row.lane]?.traceId === place.span.traceId
}
