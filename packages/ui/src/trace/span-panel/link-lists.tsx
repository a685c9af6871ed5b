import type { LinkedSpan, LinksResponse, Span, SpanLink, TraceLink } from '@spanlink/api-schema'
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { hasSeveralClusters } from '../../lib/format/record.ts'
import { toBreadcrumb, linksPath, type LinkDirection } from '../follow-link.ts'
import { createOlderPages } from '../../lib/older-pages.ts'
import { createResource } from '../../lib/resource.ts'
import type { Breadcrumb } from '../../app/route.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { Text, SpanName } from '../../components/labels/labels.tsx'
import { LoadMore } from '../../components/list/load-more.tsx'
import { LinkItem } from './link-item.tsx'
import { Dropped } from '../../components/details/section.tsx'

const SHOWN_AT_FIRST = 100
/** Longer lists are grouped by target. */
const MAX_UNGROUPED = 8

type LinkTarget = Pick<Span, 'spanId' | 'service' | 'name' | 'kind' | 'backlinkCount'>

/** Backlinks: spans of any trace and age that link to this span. */
export function LinksIn({ traceId, span }: { readonly traceId: string; readonly span: LinkTarget }) {
  const links = useMemo(() => createResource<LinksResponse>(), [])
  const older = useMemo(() => createOlderPages<LinksResponse>(), [])
  useEffect(() => {
    older.clear()
    if (span.backlinkCount > 0) void links.load(linksPath(traceId, 'in', span.spanId))
    return () => {
      links.stop()
      older.clear()
    }
  }, [links, traceId, span.spanId, span.backlinkCount])
  const { data, dataPath, error, loading } = links.state.value
  if (span.backlinkCount === 0) {
    return span.kind === 'producer' ? (
      <p class="faint none-line">
        <Icon name="linkIn" /> No consumer seen yet
      </p>
    ) : null
  }
  const shown = data === undefined ? [] : [data, ...older.pages.value].flatMap((page) => page.links)
  const title = span.kind === 'producer' || shown.some(isMessage) ? 'Consumers' : 'Links in'
  return (
    <section class="link-list" aria-label={title}>
      <h3>
        <Icon name="linkIn" /> {title}
        <span class="section-count">
          {data?.isTotalEstimate && '≈ '}
          {(data?.total ?? span.backlinkCount).toLocaleString('en')}
        </span>
      </h3>
      {error !== undefined && (
        <p class="errors" role="alert">
          {error.message}{' '}
          <button type="button" class="plain" onClick={() => void links.load(linksPath(traceId, 'in', span.spanId))}>
            Try again
          </button>
        </p>
      )}
      {loading && data === undefined && <p class="faint none-line">Loading…</p>}
      <Grouped
        direction="in"
        from={toBreadcrumb(traceId, span)}
        links={shown.map((link) => ({ traceId: link.peerTraceId, spanId: link.peerSpanId, end: link.peer, link }))}
      />
      {data !== undefined && <LoadMore older={older} path={dataPath ?? ''} first={data} words="Load more" />}
    </section>
  )
}

/** Links of this span, mostly to the spans that produced its messages. */
export function LinksOut({ traceId, span }: { readonly traceId: string; readonly span: Span }) {
  const shownCount = useSignal(SHOWN_AT_FIRST)
  if (span.links.length === 0 && span.droppedLinksCount === 0) return null
  const shown = span.links.slice(0, shownCount.value)
  const title = span.kind === 'consumer' || span.links.some(isMessage) ? 'Producers' : 'Links out'
  return (
    <section class="link-list" aria-label={title}>
      <h3>
        <Icon name="linkOut" /> {title}
        <span class="section-count">{span.links.length.toLocaleString('en')}</span>
        <Dropped count={span.droppedLinksCount} />
      </h3>
      <Grouped
        direction="out"
        from={toBreadcrumb(traceId, span)}
        links={shown.map((link) => ({ traceId: link.traceId, spanId: link.spanId, end: link.target, link }))}
      />
      {shown.length < span.links.length && (
        <button type="button" onClick={() => (shownCount.value += SHOWN_AT_FIRST)}>
          Load more of {span.links.length.toLocaleString('en')}
        </button>
      )}
    </section>
  )
}

function isMessage({ record }: SpanLink | TraceLink): boolean {
  return record.topic !== ''
}

interface ListedLink {
  readonly traceId: string
  readonly spanId: string
  readonly end: LinkedSpan | null
  readonly link: SpanLink | TraceLink
}

/** Groups the links of a batch, which may be hundreds, by target and topic. */
function Grouped(props: {
  readonly direction: LinkDirection
  readonly from: Breadcrumb
  readonly links: readonly ListedLink[]
}) {
  const { direction, from, links } = props
  const showsCluster = hasSeveralClusters(links.map(({ link }) => link.record))
  const list = (some: readonly ListedLink[]) => (
    <ul>
      {some.map((link, index) => (
        <LinkItem key={index} direction={direction} from={from} showsCluster={showsCluster} {...link} />
      ))}
    </ul>
  )
  if (links.length <= MAX_UNGROUPED) return list(links)
  const groups = [...Map.groupBy(links, toGroupKey)].toSorted(([, a], [, b]) => b.length - a.length)
  return (
    <>
      {groups.map(([key, some]) => (
        <Group key={key} first={some[0]} count={some.length} isOpen={groups.length === 1}>
          {() => list(some)}
        </Group>
      ))}
    </>
  )
}

function Group(props: {
  readonly first: ListedLink | undefined
  readonly count: number
  readonly isOpen: boolean
  readonly children: () => ComponentChildren
}) {
  const isOpen = useSignal(props.isOpen)
  const { first } = props
  const topic = first === undefined ? '' : first.link.record.topic
  return (
    <details class="link-group" open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>
        <span class="section-count">×{props.count.toLocaleString('en')}</span>
        {first === undefined || first.end === null ? (
          <span class="faint">not found</span>
        ) : (
          <>
            <SpanName service={first.end.service} name={first.end.name} />
            {first.end.status === 'error' && <Icon name="error" label="Error" />}
          </>
        )}
        {topic !== '' && <Text class="faint">{topic}</Text>}
      </summary>
      {isOpen.value && props.children()}
    </details>
  )
}

function toGroupKey({ end, link }: ListedLink): string {
  return JSON.stringify([end?.service, end?.name, end?.status === 'error', link.record.topic])
}
