import type { FlowResponse, PathShare } from '@spanlink/api-schema'
import { effect, signal, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import { formatDuration } from '../../lib/format/duration.ts'
import { formatTime } from '../../lib/format/time.ts'
import { compareShares } from './compare-shares.ts'
import { wholeWindow } from '../../lib/time-window.ts'
import { createFlowResource } from '../flow-resource.ts'
import { parseFlowUrl, flowUrl, type FlowPageState } from '../flow-url.ts'
import { createFlowView, type FlowView, type FlowProps } from '../flow-view.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { LoadingRows, Notice } from '../../components/notice.tsx'
import { ServiceName, Text, SpanName } from '../../components/labels/labels.tsx'
import { HopDialog } from '../details/hop-dialog.tsx'
import { bindFlowKeys } from '../flow-keys.ts'
import { FlowTimeline } from '../timeline/flow-timeline.tsx'
import { usePageTitle } from '../../lib/url.ts'
import { TableHead } from '../../components/list/table-head.tsx'

/** Shows two flows on one time axis, each from its own start, and where their times differ. */
export function FlowCompare({ pageState, against }: { readonly pageState: FlowPageState; readonly against: string }) {
  const resources = useMemo(
    () =>
      [createFlowResource(pageState), createFlowResource({ traceId: against, end: undefined, joined: false })] as const,
    [pageState.traceId, against],
  )
  useEffect(() => {
    const stops = resources.map((resource) => resource.start())
    return () => stops.forEach((stop) => stop())
  }, [resources])
  const [first, second] = resources.map((resource) => resource.state.value)
  const isHere = [first, second].every((state) => state?.data !== undefined && state.data.lanes.length > 0)
  const views = useMemo(
    () => (isHere ? viewsOn(first?.data, second?.data) : undefined),
    [resources, first?.data, second?.data, isHere],
  )
  useEffect(() => () => views?.forEach((view) => view.stop()), [views])
  const [one, other] = views ?? []
  // Keyboard commands apply to the flow with the focus.
  const active = useSignal<'first' | 'second'>('first')
  const isSecond = active.value === 'second'
  const pageStates = useMemo(
    () =>
      [
        parseFlowUrl(pageState.traceId, `?with=${against}`),
        parseFlowUrl(against, `?with=${pageState.traceId}`),
      ] as const,
    [pageState.traceId, against],
  )
  // A signal effect, not a render: a key pressed right after a focus change must reach the newly
  // focused flow.
  useLayoutEffect(
    () =>
      effect(() => {
        const index = active.value === 'second' ? 1 : 0
        const view = views?.[index]
        return view === undefined ? undefined : bindFlowKeys(view, pageStates[index].traceId)
      }),
    [views, pageStates],
  )
  usePageTitle('Compare flows')
  if (one === undefined || other === undefined) {
    const error = first?.error ?? second?.error
    if (error === undefined) {
      return <LoadingRows label="Loading both flows" />
    }
    return (
      <Notice isPage icon="search" kind="error" title="The flows could not be loaded">
        <p class="mono text">{(first?.error === undefined ? against : pageState.traceId).slice(0, 64)}</p>
        <p>{error.message}</p>
        <p>
          <a href={flowUrl(pageState.traceId)}>Back to flow</a>
        </p>
      </Notice>
    )
  }
  return (
    <div class="page">
      <header class="trace-header compare-header">
        <h1>Compare flows</h1>
        <a class="button" href={flowUrl(pageState.traceId)}>
          <Icon name="close" />
          Back to A
        </a>
      </header>
      <div class="compare-body">
        <Differences first={one.model.value.response} second={other.model.value.response} />
        <div class="compare-panes">
          <Pane name="A" view={one} pageState={pageStates[0]} onFocus={() => (active.value = 'first')} />
          <Pane name="B" view={other} pageState={pageStates[1]} onFocus={() => (active.value = 'second')} />
        </div>
      </div>
      <HopDialog view={isSecond ? other : one} pageState={pageStates[isSecond ? 1 : 0]} />
    </div>
  )
}

function viewsOn(first: FlowResponse | undefined, second: FlowResponse | undefined): readonly FlowView[] {
  if (first === undefined || second === undefined) return []
  const longest = Math.max(...[first, second].map((flow) => Number(flow.statistics.endToEndNano)))
  const window = signal(wholeWindow(longest))
  return [first, second].map((flow) => createFlowView(flow, { window, minDuration: longest }))
}

function Pane(props: FlowProps & { readonly name: string; readonly onFocus: () => void }) {
  const { name, view, pageState } = props
  const model = view.model.value
  const { title } = model.response
  return (
    <section aria-label={`${name} flow`} onFocusIn={props.onFocus}>
      <h2>
        <span class="faint">{name}</span>
        <a href={flowUrl(pageState.traceId)}>
          <SpanName service={title?.service ?? ''} name={title?.name ?? ''} />
        </a>
        <span class="faint">{formatTime(model.startUnixNano.toString()).slice(0, 23)}</span>
      </h2>
      <FlowTimeline view={view} pageState={pageState} />
    </section>
  )
}

const SIDES = ['A', 'B', 'Difference']

const FIGURES = [
  ['End to end', 'endToEndNano'],
  ['Processing', 'processingNano'],
  ['Queue time', 'queueNano'],
  ['Idle', 'idleNano'],
] as const

function Differences({ first, second }: { readonly first: FlowResponse; readonly second: FlowResponse }) {
  return (
    <section class="differences" aria-label="Differences">
      <table>
        <TableHead columns={['Time', ...SIDES]} />
        <tbody>
          {FIGURES.map(([name, figure]) => (
            <Line
              key={name}
              name={name}
              first={Number(first.statistics[figure])}
              second={Number(second.statistics[figure])}
            />
          ))}
        </tbody>
        <TableHead columns={['Critical path', ...SIDES]} />
        <tbody>
          {compareShares(first, second).map(({ kind, name, first, second }) => (
            <Line
              key={`${kind} ${name}`}
              name={kind === 'gap' ? 'untraced' : name}
              kind={kind}
              first={first}
              second={second}
            />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Line(props: {
  readonly name: string
  readonly kind?: PathShare['kind']
  readonly first: number
  readonly second: number
}) {
  const { name, kind, first, second } = props
  const difference = second - first
  return (
    <tr>
      <th scope="row">
        {kind === 'service' ? (
          <ServiceName name={name} />
        ) : (
          <span class={`share-name ${kind ?? ''}`}>
            {kind === 'topic' && <i class="part topic" />}
            <Text>{kind === 'topic' ? `queue time in ${name}` : name}</Text>
          </span>
        )}
      </th>
      <td>{formatDuration(first)}</td>
      <td>{formatDuration(second)}</td>
      <td class={difference > 0 ? 'slower' : difference < 0 ? 'faster' : 'faint'}>
        {difference === 0 ? '=' : `${difference > 0 ? '+' : ''}${formatDuration(difference)}`}
      </td>
    </tr>
  )
}
