import type { TopologyResponse } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import '../components/graph/graph.css'
import './topology.css'
import { buildTopologyModel, shownTopology, type TopologyModel } from './topology-model.ts'
import { incompleteText } from '../lib/searched-range.ts'
import { bindKeys } from '../app/keyboard.ts'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'
import { closeDetails } from './topology-selection.ts'
import { REACH_STEP, topologyPath, topologyPlaceOf, topologyUrl, type TopologyPlace } from './topology-url.ts'
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

const REFRESH_MILLIS = 10_000
/** More lines than this in one picture are a texture, not a graph. */
const MOST_EDGES = 120

const paused = signal(false)

export function TopologyPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const place = useMemo(() => topologyPlaceOf(query), [search])
  const topology = useMemo(() => createResource<TopologyResponse>(), [])
  useEffect(() => {
    const ask = async (): Promise<void> => await topology.load(topologyPath(place, Date.now()))
    if (!paused.value) return poll(ask, REFRESH_MILLIS)
    if (topology.state.peek().data === undefined) void ask()
    return undefined
  }, [topology, place.last, paused.value])
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
      <TopologyBar place={place} model={model} error={error} paused={paused} />
      {model === undefined ? (
        error === undefined ? (
          <LoadingRows label="Loading the topology" rows={14} />
        ) : (
          <Notice icon="unplugged" kind="error" title="The topology could not be loaded">
            <p>{error.message}</p>
            <p>
              <button type="button" onClick={() => void topology.load(topologyPath(place, Date.now()))}>
                Try again
              </button>
            </p>
          </Notice>
        )
      ) : model.nodes.length === 0 ? (
        <Nothing place={place} answer={model.answer} />
      ) : (
        <Landscape model={model} place={place} />
      )}
    </div>
  )
}

function Landscape({ model, place }: { readonly model: TopologyModel; readonly place: TopologyPlace }) {
  const shown = shownTopology(model, { ...place, mostEdges: place.all ? Infinity : MOST_EDGES })
  const node = model.nodeById.get(place.node ?? '')
  const edge = model.edgeById.get(place.edge ?? '')
  return (
    <PanelSplit
      main={
        <div class="topology-main">
          <NodeList model={model} place={place} />
          <section class="topology-picture" aria-label="Graph">
            <Words model={model} place={place} left={shown.left} edges={shown.edges.length} />
            {shown.edges.length === 0 ? (
              <Notice icon="search" title={nothingTitle(model, place)}>
                <p>
                  <a href={topologyUrl({ last: place.last })}>Show everything</a>
                </p>
              </Notice>
            ) : (
              <TopologyGraph model={model} shown={shown} place={place} />
            )}
          </section>
        </div>
      }
      panel={
        node !== undefined ? (
          <NodeDetails model={model} place={place} node={node} />
        ) : edge !== undefined ? (
          <EdgeDetails model={model} place={place} edge={edge} />
        ) : undefined
      }
    />
  )
}

/** No all-clear for connections that the answer leaves out. */
function nothingTitle({ answer }: TopologyModel, { onlyErrors }: TopologyPlace): string {
  const nothing = onlyErrors ? 'No errors' : 'No name matches'
  if (answer.missingParts) return `${nothing} in the data that can be read`
  return answer.complete ? nothing : `${nothing} in the ${answer.edges.length.toLocaleString('en')} busiest connections`
}

/** What is not in the picture, and how to see it. */
function Words(props: {
  readonly model: TopologyModel
  readonly place: TopologyPlace
  readonly left: number
  readonly edges: number
}) {
  const { model, place, left } = props
  const focus = model.nodeById.get(place.focus ?? '')
  if (focus === undefined && left === 0 && model.answer.complete) return null
  return (
    <ul class="notes" aria-label="About this picture">
      {focus !== undefined && (
        <li>
          <Icon name="info" />
          <span>
            Focus on <b class="text">{focus.name.slice(0, 100)}</b>, {place.reach} steps up- and downstream.
          </span>
          <a class="button" href={topologyUrl({ ...place, reach: place.reach + REACH_STEP })}>
            Expand
          </a>
          <a class="button" href={topologyUrl({ ...place, focus: undefined })}>
            Show all
          </a>
        </li>
      )}
      {left > 0 && (
        <li>
          <Icon name="info" />
          <span>
            The {props.edges} busiest of {(left + props.edges).toLocaleString('en')} connections. Search, or focus on
            one node to see all around it.
          </span>
          <a class="button" href={topologyUrl({ ...place, all: true })}>
            Show all
          </a>
        </li>
      )}
      {!model.answer.complete && (
        <li>
          <Icon name="warning" />
          <span>
            {model.answer.missingParts
              ? 'Parts of the stored data cannot be read: nodes, edges and counts may be missing. See the server log.'
              : `More connections than one response can hold: the ${model.answer.edges.length.toLocaleString('en')} busiest are here. Narrow the range to see the others.`}
          </span>
        </li>
      )}
    </ul>
  )
}

function Nothing({ place, answer }: { readonly place: TopologyPlace; readonly answer: TopologyResponse }) {
  return (
    <Notice icon="plug" title="No data in range">
      {!answer.complete && <p>{incompleteText(answer, 'spans')}</p>}
      <p>
        Services, topics and consumer groups appear here as soon as spans of producers and consumers arrive.
        {place.last !== '7d' && (
          <>
            {' '}
            <a href={topologyUrl({ ...place, last: '7d' })}>Search the last 7 days</a>
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
  const here = (): TopologyPlace | undefined => {
    const at = route.peek()
    return at.page === 'topology' ? topologyPlaceOf(at.query) : undefined
  }
  return bindKeys({
    title: 'Topology',
    bindings: [
      { keys: ['j', 'ArrowDown'], does: 'Next in the list', run: () => focusRow(NODE_LINKS, 1) },
      { keys: ['k', 'ArrowUp'], does: 'Previous in the list', run: () => focusRow(NODE_LINKS, -1) },
      { keys: ['Enter'], does: 'Details', run: () => focusRow(NODE_LINKS, 1) },
      { keys: ['/'], does: 'Find by name', run: () => document.getElementById('topology-search')?.focus() },
      {
        keys: ['f'],
        does: 'Focus on the chosen node, or show all',
        run: () => {
          const place = here()
          if (place === undefined) return
          const focus = place.focus === undefined ? place.node : undefined
          push(topologyUrl({ ...place, focus }))
        },
      },
      { keys: ['p'], does: 'Pause or resume refreshing', run: () => (paused.value = !paused.value) },
      {
        keys: ['Escape'],
        does: 'Leave the search, or close the details',
        whileTyping: true,
        run: () => {
          const place = here()
          const active = document.activeElement
          if (active instanceof HTMLInputElement || active instanceof HTMLSelectElement) active.blur()
          else if (place !== undefined) closeDetails(place)
        },
      },
    ],
  })
}
