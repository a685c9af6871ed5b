import type { TopologyResponse } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import '../components/graph/graph.css'
import './topology.css'
import { buildTopologyModel, filterTopology, type TopologyModel } from './topology-model.ts'
import { describeIncompleteSearch, describeMissingParts } from '../lib/searched-range.ts'
import { bindKeys } from '../app/keyboard.ts'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'
import { closeDetails } from './topology-selection.ts'
import { REACH_STEP, topologyPath, parseTopologyUrl, topologyUrl, type TopologyPageState } from './topology-url.ts'
import { push, route } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { LoadingRows } from '../components/list/loading-rows.tsx'
import { Notice } from '../components/notice.tsx'
import { PanelSplit } from '../components/details/panel-split.tsx'
import { TopologyBar } from './topology-bar.tsx'
import { TopologyGraph } from './topology-graph.tsx'
import { NODE_LINKS, NodeList } from './node-list.tsx'
import { EdgeDetails } from './edge-details.tsx'
import { NodeDetails } from './node-details.tsx'

const REFRESH_INTERVAL_MS = 10_000
/** A graph with more edges than this is unreadable. */
const MAX_EDGES = 120

const paused = signal(false)

export function TopologyPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const pageState = useMemo(() => parseTopologyUrl(query), [search])
  const topology = useMemo(() => createResource<TopologyResponse>(), [])
  useEffect(() => {
    const refresh = async (): Promise<void> => await topology.load(topologyPath(pageState, Date.now()))
    if (!paused.value) return poll(refresh, REFRESH_INTERVAL_MS)
    if (topology.state.peek().data === undefined) void refresh()
    return undefined
  }, [topology, pageState.last, paused.value])
  useEffect(() => () => topology.stop(), [topology])
  useEffect(() => {
    document.title = 'Topology · Spanlink'
  }, [])
  useLayoutEffect(() => bindTopologyKeys(), [])
  const { data, error } = topology.state.value
  const model = useMemo(() => (data === undefined ? undefined : buildTopologyModel(data)), [data])
  return (
    <div class="topology-page">
      <h1 class="visually-hidden">Topology</h1>
      <TopologyBar pageState={pageState} model={model} error={error} paused={paused} />
      {model === undefined ? (
        error === undefined ? (
          <LoadingRows label="Loading the topology" rows={14} />
        ) : (
          <Notice icon="unplugged" kind="error" title="The topology could not be loaded">
            <p>{error.message}</p>
            <p>
              <button type="button" onClick={() => void topology.load(topologyPath(pageState, Date.now()))}>
                Try again
              </button>
            </p>
          </Notice>
        )
      ) : model.nodes.length === 0 ? (
        <EmptyNotice pageState={pageState} response={model.response} />
      ) : (
        <TopologyMain model={model} pageState={pageState} />
      )}
    </div>
  )
}

function TopologyMain({ model, pageState }: { readonly model: TopologyModel; readonly pageState: TopologyPageState }) {
  const shown = filterTopology(model, { ...pageState, maxEdges: pageState.all ? Infinity : MAX_EDGES })
  const node = model.nodeById.get(pageState.node ?? '')
  const edge = model.edgeById.get(pageState.edge ?? '')
  return (
    <PanelSplit
      main={
        <div class="topology-main">
          <NodeList model={model} pageState={pageState} />
          <section class="topology-picture" aria-label="Graph">
            <GraphNotes model={model} pageState={pageState} left={shown.left} edges={shown.edges.length} />
            {shown.edges.length === 0 ? (
              <Notice icon="search" title={nothingTitle(model, pageState)}>
                <p>
                  <a href={topologyUrl({ last: pageState.last })}>Clear filters</a>
                </p>
              </Notice>
            ) : (
              <TopologyGraph model={model} shown={shown} pageState={pageState} />
            )}
          </section>
        </div>
      }
      panel={
        node !== undefined ? (
          <NodeDetails model={model} pageState={pageState} node={node} />
        ) : edge !== undefined ? (
          <EdgeDetails model={model} pageState={pageState} edge={edge} />
        ) : undefined
      }
    />
  )
}

/** Avoids an all-clear if the response leaves out edges. */
function nothingTitle({ response }: TopologyModel, { onlyErrors }: TopologyPageState): string {
  const nothing = onlyErrors ? 'No errors' : 'No name matches'
  if (response.missingParts) return `${nothing} in the data that can be read`
  return response.complete ? nothing : `${nothing} in the ${response.edges.length.toLocaleString('en')} busiest edges`
}

/** States which part of the topology is not drawn, and how to see it. */
function GraphNotes(props: {
  readonly model: TopologyModel
  readonly pageState: TopologyPageState
  readonly left: number
  readonly edges: number
}) {
  const { model, pageState, left } = props
  const focus = model.nodeById.get(pageState.focus ?? '')
  if (focus === undefined && left === 0 && model.response.complete) return null
  return (
    <ul class="notes" aria-label="Notes">
      {focus !== undefined && (
        <li>
          <Icon name="info" />
          <span>
            Focus on <b class="text">{focus.name.slice(0, 100)}</b>, {pageState.reach} steps up- and downstream.
          </span>
          <a class="button" href={topologyUrl({ ...pageState, reach: pageState.reach + REACH_STEP })}>
            Expand
          </a>
          <a class="button" href={topologyUrl({ ...pageState, focus: undefined })}>
            Show all
          </a>
        </li>
      )}
      {left > 0 && (
        <li>
          <Icon name="info" />
          <span>
            Showing the {props.edges} busiest of {(left + props.edges).toLocaleString('en')} edges. Search, or focus on
            a node to see all of its edges.
          </span>
          <a class="button" href={topologyUrl({ ...pageState, all: true })}>
            Show all
          </a>
        </li>
      )}
      {!model.response.complete && (
        <li>
          <Icon name="warning" />
          <span>
            {model.response.missingParts
              ? describeMissingParts('nodes, edges and counts')
              : `More edges than one response can hold, showing the ${model.response.edges.length.toLocaleString('en')} busiest. Narrow the range to see the others.`}
          </span>
        </li>
      )}
    </ul>
  )
}

function EmptyNotice({
  pageState,
  response,
}: {
  readonly pageState: TopologyPageState
  readonly response: TopologyResponse
}) {
  return (
    <Notice icon="plug" title="No data in range">
      {!response.complete && <p>{describeIncompleteSearch(response, 'spans')}</p>}
      <p>
        Services, topics and consumer groups appear here as soon as spans of producers and consumers arrive.
        {pageState.last !== '7d' && (
          <>
            {' '}
            <a href={topologyUrl({ ...pageState, last: '7d' })}>Search the last 7 days</a>
          </>
        )}
      </p>
      <p>
        <a class="button primary" href="/connect">
          Connect an application
        </a>
      </p>
    </Notice>
  )
}

function bindTopologyKeys(): () => void {
  const here = (): TopologyPageState | undefined => {
    const at = route.peek()
    return at.page === 'topology' ? parseTopologyUrl(at.query) : undefined
  }
  return bindKeys({
    title: 'Topology',
    bindings: [
      { keys: ['j', 'ArrowDown'], does: 'Next node', run: () => focusRow(NODE_LINKS, 1) },
      { keys: ['k', 'ArrowUp'], does: 'Previous node', run: () => focusRow(NODE_LINKS, -1) },
      { keys: ['Enter'], does: 'Details', run: () => focusRow(NODE_LINKS, 1) },
      { keys: ['/'], does: 'Search', run: () => document.getElementById('topology-search')?.focus() },
      {
        keys: ['f'],
        does: 'Focus on the chosen node, or show all',
        run: () => {
          const pageState = here()
          if (pageState === undefined) return
          const focus = pageState.focus === undefined ? pageState.node : undefined
          push(topologyUrl({ ...pageState, focus }))
        },
      },
      { keys: ['p'], does: 'Pause or resume refreshing', run: () => (paused.value = !paused.value) },
      {
        keys: ['Escape'],
        does: 'Exit search, or close details',
        whileTyping: true,
        run: () => {
          const pageState = here()
          const active = document.activeElement
          if (active instanceof HTMLInputElement || active instanceof HTMLSelectElement) active.blur()
          else if (pageState !== undefined) closeDetails(pageState)
        },
      },
    ],
  })
}
