import { formatDuration } from '../../lib/format/duration.ts'
import { computeParentQueueTime } from '../model/parent-queue-time.ts'
import { formatAge, toMillis } from '../../lib/format/time.ts'
import { serviceColor } from '../../lib/service-color.ts'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { toBreadcrumb, follow, type LinkDirection } from '../follow-link.ts'
import type { LinkedTarget } from '../link-targets.ts'
import { toSpanId } from '../../lib/id-index.ts'
import { traceUrl } from '../../app/route.ts'
import type { TraceView } from '../trace-view.ts'
import { onPlainClick } from '../../lib/url.ts'
import { LinkBadge } from '../../components/labels/link-badge.tsx'

/** Maximum number of rows searched for one badge, which names a few targets and counts the rest. */
const MAX_ROWS = 200
const MAX_TARGETS = 4

interface RowBadgeProps {
  readonly view: TraceView
  readonly position: number
  readonly isCollapsed: boolean
}

/**
 * Badges of a collapsed row are sums over the span and its descendants, with a dashed border if
 * some belong to descendants.
 */
export function RowBadges(props: RowBadgeProps) {
  const { model } = props.view
  const { linksOut, linksIn, below } = model.value
  const total = props.isCollapsed ? below : { linksOut, linksIn }
  const out = total.linksOut[props.position] ?? 0
  const into = total.linksIn[props.position] ?? 0
  const wait = computeParentQueueTime(model.value, props.position)
  if (out + into === 0 && wait === undefined) return null
  return (
    <span class="badges">
      {wait !== undefined && <QueueTag nanos={wait} />}
      {out > 0 && <RowBadge {...props} direction="out" count={out} own={linksOut[props.position] ?? 0} />}
      {into > 0 && <RowBadge {...props} direction="in" count={into} own={linksIn[props.position] ?? 0} />}
    </span>
  )
}

/**
 * A badge with one link navigates to it. A badge with several opens the details, which list them.
 */
function RowBadge(
  props: RowBadgeProps & { readonly direction: LinkDirection; readonly count: number; readonly own: number },
) {
  const { view, direction, count, own } = props
  const ends = findRowTargets(view, props.position, direction, props.isCollapsed)
  const span = view.model.value.spans[props.position]
  const areMessages = count === own && span?.kind === (direction === 'in' ? 'producer' : 'consumer')
  const badge = (
    <>
      <LinkBadge
        direction={direction}
        count={count}
        areMessages={areMessages}
        within={count > own}
        title={formatBadgeTitle(direction, count, ends, areMessages)}
      />
      <TargetDots ends={ends} />
    </>
  )
  const only = count === 1 && own === 1 ? ends[0] : undefined
  // A consumer that is a child of its producer already shows its queue time, even if it has a link
  // too.
  const showsWait = direction === 'out' && computeParentQueueTime(view.model.value, props.position) === undefined
  const waited = showsWait ? only?.queueTimeNano : undefined
  if (only === undefined || span === undefined || only.traceId === '') return <span class="badge-ends">{badge}</span>
  return (
    <>
      {waited !== undefined && waited !== null && <QueueTag nanos={Number(waited)} />}
      <a
        class="badge-ends"
        tabIndex={-1}
        href={traceUrl(only.traceId, only.spanId)}
        onClick={(event) => {
          event.stopPropagation()
          onPlainClick(() => follow(toBreadcrumb(view.model.peek().traceId, span), only))(event)
        }}
      >
        {badge}
      </a>
    </>
  )
}

/** Queue time of a consumer; a negative value is shown as a warning. */
function QueueTag({ nanos }: { readonly nanos: number }) {
  const isSkewed = nanos < 0
  return (
    <span
      class={isSkewed ? 'tag warn' : 'queue-tag'}
      title={isSkewed ? 'Clock skew: consumed before it was sent' : 'Queue time'}
    >
      {formatDuration(nanos)}
    </span>
  )
}

/** Dots in the colors of the targets' services. */
function TargetDots({ ends }: { readonly ends: readonly LinkedTarget[] }) {
  const services = [...new Set(ends.flatMap(({ span }) => (span === null ? [] : [span.service])))]
  return (
    <>
      {services.map((name) => {
        const { hue, tone } = serviceColor(name)
        return (
          <span key={name} class={`service ${tone}`} style={{ '--hue': String(hue) }}>
            <i class="service-dot" />
          </span>
        )
      })}
    </>
  )
}

function formatBadgeTitle(
  direction: LinkDirection,
  count: number,
  ends: readonly LinkedTarget[],
  areMessages: boolean,
): string {
  const [into, out] = areMessages ? ['Consumed by', 'Produced by'] : ['Linked from', 'Links to']
  const way = direction === 'in' ? into : out
  const named = ends.map(({ span }) =>
    span === null
      ? 'a span that was not found'
      : `${sanitizeText(span.service, 60)} ${sanitizeText(span.name, 80)}, ${formatAge(toMillis(span.startTimeUnixNano), Date.now())}`,
  )
  const rest = count - named.length
  return [`${way}:`, ...named, ...(rest > 0 ? [`${rest.toLocaleString('en')} more`] : [])].join('\n')
}

/** The first link targets of a row; of its descendants too when it is collapsed. */
function findRowTargets(
  view: TraceView,
  position: number,
  direction: LinkDirection,
  isCollapsed: boolean,
): readonly LinkedTarget[] {
  const model = view.model.value
  const last = isCollapsed ? Math.min(model.subtreeEnd[position] ?? 0, position + MAX_ROWS) : position + 1
  const ends: LinkedTarget[] = []
  for (let p = position; p < last && ends.length < MAX_TARGETS; p += 1) {
    const span = model.spans[p]
    if (span === undefined) break
    const known = direction === 'in' ? view.incoming.value : view.outgoing.value
    ends.push(...(known.get(toSpanId(span.spanId)) ?? []))
  }
  return ends.slice(0, MAX_TARGETS)
}
