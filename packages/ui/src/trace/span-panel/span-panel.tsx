import { formatTime, formatTimeWithZone } from '../../lib/format/time.ts'
import { formatDuration } from '../../lib/format/duration.ts'
import type { TraceModel } from '../model/trace-model.ts'
import type { TraceView } from '../trace-view.ts'
import { traceUrl } from '../../app/route.ts'
import { LinksIn, LinksOut } from './link-lists.tsx'
import { StatusTag, QueueTime } from '../../components/labels/labels.tsx'
import { SpanSections, StatusMessage, useSpanDetails } from './span-sections.tsx'
import { closeDetails } from '../trace-keys.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { DetailsPanel, SpanTitle } from '../../components/details/details-panel.tsx'
import { Pair } from '../../components/labels/facts.tsx'

export function SpanPanel({ view, position }: { readonly view: TraceView; readonly position: number }) {
  const model = view.model.value
  const head = model.spans[position]
  const spanId = head?.spanId ?? ''
  const details = useSpanDetails(model.traceId, spanId, view.revision.value, head)
  if (head === undefined) return null
  const span = details.data?.span
  return (
    <DetailsPanel
      label="Span details"
      title={
        <SpanTitle
          service={head.service}
          name={head.name}
          tags={
            <>
              <span class="tag">{head.kind}</span>
              <StatusTag code={span?.status.code ?? (model.error[position] === 1 ? 'error' : 'unset')} />
            </>
          }
        />
      }
      actions={
        <CopyButton value={new URL(traceUrl(model.traceId, spanId), document.baseURI).href} label="Copy link to span" />
      }
      onClose={() => closeDetails(view)}
    >
      <StatusMessage response={details.data} />
      <Times view={view} position={position} queueTimeNano={span?.queueTimeNano} />
      <LinksIn traceId={model.traceId} span={{ ...head, backlinkCount: model.linksIn[position] ?? 0 }} />
      {span !== undefined && <LinksOut traceId={model.traceId} span={span} />}
      <SpanSections
        details={details}
        startUnixNano={model.startUnixNano}
        isParentMissing={model.orphan[position] === 1}
      />
    </DetailsPanel>
  )
}

function Times(props: {
  readonly view: TraceView
  readonly position: number
  /** Queue time of a consumer that is a child of its producer; links show their own queue time. */
  readonly queueTimeNano: string | undefined
}) {
  const { view, position, queueTimeNano } = props
  const model = view.model.value
  const start = model.start[position] ?? 0
  const end = model.end[position] ?? 0
  const length = end - start
  const share = model.duration === 0 ? 100 : (length / model.duration) * 100
  const critical = pathLength(view, position)
  return (
    <dl class="pairs">
      <Pair name="Duration">
        {formatDuration(length)} <span class="faint">{formatShare(share)} of the trace</span>
      </Pair>
      <Pair name="Start">
        +{formatDuration(start)} <ExactTime unixNano={unixNanoAt(model, start)} />
      </Pair>
      <Pair name="End">
        +{formatDuration(end)} <ExactTime unixNano={unixNanoAt(model, end)} />
      </Pair>
      {queueTimeNano !== undefined && (
        <Pair name="Queue time">
          <QueueTime nanos={queueTimeNano} />
        </Pair>
      )}
      {critical > 0 && <Pair name="On critical path">{formatDuration(critical)}</Pair>}
    </dl>
  )
}

/** Percentage with at most one decimal. */
function formatShare(share: number): string {
  if (share > 0 && share < 0.1) return '<0.1%'
  return `${Number(share.toFixed(1))}%`
}

function pathLength(view: TraceView, position: number): number {
  const { first, from, to } = view.critical.value
  let sum = 0
  for (let at = first[position] ?? 0; at < (first[position + 1] ?? 0); at += 1) sum += (to[at] ?? 0) - (from[at] ?? 0)
  return sum
}

function unixNanoAt(model: TraceModel, offset: number): string {
  return String(model.startUnixNano + BigInt(Math.round(offset)))
}

/** The tooltip has the zone. */
function ExactTime({ unixNano }: { readonly unixNano: string }) {
  return (
    <span class="faint" title={formatTimeWithZone(unixNano)}>
      {formatTime(unixNano)}
    </span>
  )
}
