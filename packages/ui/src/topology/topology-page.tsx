import type { TopologyResponse } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import '../components/graph/graph.css'
import './topology.css'
import { buildTopologyModel, filterTopology, type TopologyModel } from './topology-model.ts'
import { describeIncompleteSearch, describeMissingParts } from '../lib/searched-range.ts'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'
import { closeDetails } from './topology-selection.ts'
import {
  REACH_STEP,
  topologyPath,
  parseTopologyUrl,
  topologyUrl,
  type TopologyPageState,
  type TopologyProps,
} from './topology-url.ts'
import { push, route, usePageTitle } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { LoadingRows, Notice, ConnectLink, Note } from '../components/notice.tsx'
import { PanelSplit } from '../components/details/panel-split.tsx'
import { TopologyBar } from './topology-bar.tsx'
import { TopologyGraph } from './topology-graph.tsx'
import { NODE_LINKS, NodeList } from './node-list.tsx'
import { EdgeDetails } from './edge-details.tsx'
import { NodeDetails } from './node-details.tsx'
import { useKeys, type KeyBinding } from '../app/keyboard.ts'

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
  usePageTitle('Topology')
  useKeys('Topology', KEYS)
  const { data, error } = topology.state.value
  const model = useMemo(() => (data === undefined ? undefined : buildTopologyModel(data)), [data])
  return (
    <div class="page topology-page">
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
        <EmptyNotice model={model} pageState={pageState} />
      ) : (
        <TopologyMain model={model} pageState={pageState} />
      )}
    </div>
  )
}

function TopologyMain({ model, pageState }: TopologyProps) {
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
function GraphNotes(props: TopologyProps & { readonly left: number; readonly edges: number }) {
  const { model, pageState, left } = props
  const focus = model.nodeById.get(pageState.focus ?? '')
  if (focus === undefined && left === 0 && model.response.complete) return null
  return (
    <ul class="notes" aria-label="Notes">
      {focus !== undefined && (
        <Note
          icon="info"
          actions={
            <>
              <a class="button" href={topologyUrl({ ...pageState, reach: pageState.reach + REACH_STEP })}>
                Expand
              </a>
              <a class="button" href={topologyUrl({ ...pageState, focus: undefined })}>
                Show all
              </a>
            </>
          }
        >
          Focus on <b class="text">{focus.name.slice(0, 100)}</b>, {pageState.reach} steps up- and downstream.
        </Note>
      )}
      {left > 0 && (
        <Note
          icon="info"
          actions={
            <a class="button" href={topologyUrl({ ...pageState, all: true })}>
              Show all
            </a>
          }
        >
          Showing the {props.edges} busiest of {(left + props.edges).toLocaleString('en')} edges. Search, or focus on a
          node to see all of its edges.
        </Note>
      )}
      {!model.response.complete && (
        <Note icon="warning">
          {model.response.missingParts
            ? describeMissingParts('nodes, edges and counts')
            : `More edges than one response can hold, showing the ${model.response.edges.length.toLocaleString('en')} busiest. Narrow the range to see the others.`}
        </Note>
      )}
    </ul>
  )
}

function EmptyNotice({ pageState, model: { response } }: TopologyProps) {
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
      <ConnectLink />
    </Notice>
  )
}

const KEYS: readonly KeyBinding[] = [
  { keys: ['j', 'ArrowDown'], does: 'Next node', run: () => focusRow(NODE_LINKS, 1) },
  { keys: ['k', 'ArrowUp'], does: 'Previous node', run: () => focusRow(NODE_LINKS, -1) },
  { keys: ['Enter'], does: 'Details', run: () => focusRow(NODE_LINKS, 1) },
  { keys: ['/'], does: 'Search', run: () => document.getElementById('topology-search')?.focus() },
  { keys: ['f'], does: 'Focus on the chosen node, or show all', run: toggleFocus },
  { keys: ['p'], does: 'Pause or resume refreshing', run: () => (paused.value = !paused.value) },
  { keys: ['Escape'], does: 'Exit search, or close details', whileTyping: true, run: leave },
]

function here(): TopologyPageState | undefined {
  const at = route.peek()
  return at.page === 'topology' ? parseTopologyUrl(at.query) : undefined
}

function toggleFocus(): void {
  const pageState = here()
  if (pageState === undefined) return
  push(topologyUrl({ ...pageState, focus: pageState.focus === undefined ? pageState.node : undefined }))
}

function leave(): void {
  const pageState = here()
  const active = document.activeElement
  if (active instanceof HTMLInputElement || active instanceof HTMLSelectElement) active.blur()
  else if (pageState !== undefined) closeDetails(pageState)
}
