import type { FoundTrace } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { formatDuration } from '../lib/format/duration.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { flowUrl } from '../flow/flow-url.ts'
import { traceUrl } from '../app/route.ts'
import type { RowHold } from '../components/list/use-held-list.ts'
import { LinkBadge } from '../components/labels/link-badge.tsx'
import { openRow } from '../components/list/row-navigation.ts'
import { ListScroll } from '../components/list/list-scroll.tsx'
import { Age, ServiceName, SpanName, ErrorCount } from '../components/labels/labels.tsx'
import { formatCountOf } from '../lib/format/number.ts'
import { TableHead, numberColumn } from '../components/list/table-head.tsx'

export const TRACE_LINKS = 'table.traces a.trace-link'

const SERVICES_SHOWN = 3

const COLUMNS = [
  'Trace',
  'Started',
  { text: 'Duration', title: 'The bars are on a logarithmic scale' },
  numberColumn('Spans'),
  numberColumn('Errors'),
  'Links',
  'Services',
]

/** `more` is rendered at the end of the list. */
export function TraceTable(props: {
  readonly traces: readonly FoundTrace[]
  readonly hold: RowHold
  readonly more: ComponentChildren
}) {
  const { traces } = props
  const share = barShare(traces.map((trace) => Number(trace.durationNano)))
  return (
    <ListScroll hold={props.hold}>
      <table class="list traces">
        <TableHead columns={COLUMNS} />
        <tbody>
          {traces.map((trace) => (
            <Row key={trace.traceId} trace={trace} share={share(Number(trace.durationNano))} />
          ))}
        </tbody>
      </table>
      {props.more}
    </ListScroll>
  )
}

/**
 * Bar length as a share of the full bar. Logarithmic from the shortest to the longest duration,
 * over at least a factor of ten, so that one slow batch does not flatten all short requests.
 */
function barShare(durations: readonly number[]): (duration: number) => number {
  const longest = durations.reduce((max, duration) => Math.max(max, duration), 10)
  const shortest = Math.max(1, Math.min(longest / 10, ...durations))
  return (duration) => 0.04 + (0.96 * Math.log(Math.max(1, duration / shortest))) / Math.log(longest / shortest)
}

/** The spans that the query matched, with a link to the first. */
function Matched({ trace }: { readonly trace: FoundTrace }) {
  const sets = trace.matches ?? []
  const first = sets[0]?.spans[0]
  if (first === undefined) return null
  const count = sets.reduce((sum, { matched }) => sum + matched, 0)
  const shownSpans = sets.flatMap(({ spans }) => spans).slice(0, 6)
  const title = shownSpans
    .map(({ service, name, attributes }) =>
      [service, name, ...attributes.map(({ field, value }) => `${field}=${value}`)].join(' ').slice(0, 160),
    )
    .join('\n')
  return (
    <a class="tag matched above" href={traceUrl(trace.traceId, first.spanId)} title={sanitizeText(title, 1000)}>
      {formatCountOf(count, 'span')}
    </a>
  )
}

function Row({ trace, share }: { readonly trace: FoundTrace; readonly share: number }) {
  const duration = Number(trace.durationNano)
  return (
    <tr class={trace.errorCount > 0 ? 'failed' : ''} onClick={openRow}>
      <td class="name">
        <a class="row-link trace-link" href={traceUrl(trace.traceId)}>
          <SpanName service={trace.rootService} name={trace.rootName} />
        </a>
        <Matched trace={trace} />
        {trace.rootMissing && (
          <span class="tag" title="Root span missing; the earliest span is shown instead.">
            root missing
          </span>
        )}
      </td>
      <td class="started">
        <Age unixNano={trace.startTimeUnixNano} />
      </td>
      <td class="duration">
        <span class="amount">
          <span>{formatDuration(duration)}</span>
          <span class="amount-bar">
            <i style={{ width: `${share * 100}%` }} />
          </span>
        </span>
      </td>
      <td class="number">{trace.spanCount.toLocaleString('en')}</td>
      <td class="number">
        {trace.errorCount > 0 ? (
          <ErrorCount>{trace.errorCount.toLocaleString('en')}</ErrorCount>
        ) : (
          <span class="none">0</span>
        )}
      </td>
      <td class="links">
        {trace.linksOut > 0 && <LinkBadge direction="out" count={trace.linksOut} />}
        {trace.linksIn > 0 && <LinkBadge direction="in" count={trace.linksIn} />}
        {trace.linksOut + trace.linksIn === 0 && <span class="none">none</span>}
        {trace.linksOut + trace.linksIn > 0 && (
          <a class="flow-link above" href={flowUrl(trace.traceId)} title="All linked traces on one time axis">
            Flow
          </a>
        )}
      </td>
      <td class="services">
        <span class="service-list">
          {trace.services.slice(0, SERVICES_SHOWN).map((service) => (
            <span key={service.name} class="chip">
              <ServiceName name={service.name} />
              <span class="chip-count">{service.spanCount.toLocaleString('en')}</span>
            </span>
          ))}
          {trace.services.length > SERVICES_SHOWN && (
            <span
              class="faint"
              title={trace.services
                .slice(SERVICES_SHOWN, 40)
                .map((service) => service.name.slice(0, 60))
                .join(', ')}
            >
              +{trace.services.length - SERVICES_SHOWN}
            </span>
          )}
        </span>
      </td>
    </tr>
  )
}
