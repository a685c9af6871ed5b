import { durationText } from '../../model/duration-text.ts'
import { laneOfSpan, type FlowModel } from '../../model/flow-model.ts'
import { flowUrl, type FlowPlace } from '../../state/flow-url.ts'
import type { FlowView } from '../../state/flow-view.ts'
import { traceUrl } from '../../state/route.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { ServiceName } from '../parts/service-name.tsx'
import { Text } from '../parts/text.tsx'
import { EdgeList } from './edge-list.tsx'

interface SpanFacts {
  readonly service: string
  readonly name: string
  readonly start: number
  readonly end: number
  readonly isError: boolean
  readonly operation?: string
  readonly topic?: string
  readonly consumerGroup?: string
}

export function SpanDetails(props: {
  readonly view: FlowView
  readonly place: FlowPlace
  readonly traceId: string
  readonly spanId: string
}) {
  const { view, place, traceId, spanId } = props
  const model = view.model.value
  const facts = factsOf(view, model, traceId, spanId)
  if (facts === undefined) {
    return (
      <>
        <header>
          <div class="panel-title">
            <h2>Loading the span…</h2>
          </div>
        </header>
        <div class="panel-body">
          <a class="button" href={traceUrl(traceId, spanId)}>
            Open it in its trace
          </a>
        </div>
      </>
    )
  }
  const edges = (side: 'from' | 'to'): number[] =>
    model.edges.flatMap(({ edge }, index) =>
      edge[side].spanId === spanId && edge[side].traceId === traceId ? [index] : [],
    )
  return (
    <>
      <header>
        <div class="panel-title">
          <ServiceName name={facts.service} />
          <h2>
            <Text class="block">{facts.name}</Text>
          </h2>
          <span class="tags">
            {facts.operation !== undefined && facts.operation !== 'none' && <span class="tag">{facts.operation}</span>}
            {facts.isError && <span class="tag error">error</span>}
          </span>
        </div>
      </header>
      <div class="panel-body">
        <p class="panel-actions">
          <a class="button" href={traceUrl(traceId, spanId)}>
            Open in its trace
          </a>
          {place.end === spanId ? (
            <a class="button" href={flowUrl(place.traceId, { ...place, end: undefined })}>
              Path to the flow's end
            </a>
          ) : (
            <a
              class="button"
              href={flowUrl(place.traceId, { ...place, end: spanId })}
              title="Shows what this span waited for, instead of what the last one did"
            >
              Critical path to here
            </a>
          )}
        </p>
        <dl class="pairs">
          <dt>Starts at</dt>
          <dd>{durationText(facts.start)}</dd>
          <dt>Duration</dt>
          <dd>{durationText(facts.end - facts.start)}</dd>
          {facts.topic !== undefined && facts.topic !== '' && (
            <>
              <dt>Topic</dt>
              <dd>
                <Text>{facts.topic}</Text>
              </dd>
            </>
          )}
          {facts.consumerGroup !== undefined && facts.consumerGroup !== '' && (
            <>
              <dt>Group</dt>
              <dd>
                <Text>{facts.consumerGroup}</Text>
              </dd>
            </>
          )}
          <dt>Span id</dt>
          <dd class="mono">
            {spanId.slice(0, 32)} <CopyButton value={spanId} label="Copy the span id" />
          </dd>
        </dl>
        <EdgeList model={model} place={place} edges={edges('to')} to="cause" />
        <EdgeList model={model} place={place} edges={edges('from')} to="effect" />
      </div>
    </>
  )
}

/** Spans with links are in the flow's answer; others only where their lane is open. */
function factsOf(view: FlowView, model: FlowModel, traceId: string, spanId: string): SpanFacts | undefined {
  const placed = model.spans.get(`${traceId}/${spanId}`)
  if (placed !== undefined) return { ...placed, isError: placed.status === 'error' }
  const open = view.open.value.get(model.lanes[laneOfSpan(model, traceId, spanId)]?.id ?? '')
  if (typeof open !== 'object') return undefined
  const at = open.spanId.indexOf(spanId)
  if (at < 0) return undefined
  return {
    service: open.service[at] ?? '',
    name: open.name[at] ?? '',
    start: open.start[at] ?? 0,
    end: open.end[at] ?? 0,
    isError: open.error[at] === 1,
  }
}
