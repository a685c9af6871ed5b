import type { FlowLane, TraceSkeleton } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { formatDuration } from '../../lib/format/duration.ts'
import { laneErrors } from '../model/lane-errors.ts'
import { buildTraceModel } from '../../trace/model/trace-model.ts'
import { selectionUrl } from '../flow-url.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { SpanName } from '../../components/labels/labels.tsx'
import type { FlowProps } from '../flow-view.ts'
import { useRequest } from '../../lib/resource.ts'

const SHOWN = 20

/**
 * Failed spans of a lane, with links to their details: the error is often in a descendant of the
 * lane's root span.
 */
export function LaneErrors({ view, pageState, lane }: FlowProps & { readonly lane: FlowLane }) {
  const path = lane.errorCount === 0 ? undefined : `api/traces/${lane.traceId}/skeleton`
  const { data } = useRequest<TraceSkeleton>(path, lane.errorCount)
  const trace = useMemo(() => (data === undefined ? undefined : buildTraceModel(data)), [data])
  if (trace === undefined || lane.errorCount === 0) return null
  const failed = laneErrors(trace, lane, view.model.value.lanes)
  return (
    <section class="link-list" aria-label="Errors">
      <h3>
        <Icon name="error" />
        Errors <span class="section-count">{failed.length.toLocaleString('en')}</span>
      </h3>
      <ul>
        {failed.slice(0, SHOWN).map((p) => {
          const span = trace.spans[p]
          if (span === undefined) return null
          const url = selectionUrl(pageState, { span: { traceId: lane.traceId, spanId: span.spanId } })
          return (
            <li key={p} class="link-item">
              <a class="link-end" href={url}>
                <SpanName service={span.service} name={span.name} />
                <span class="faint">{formatDuration((trace.end[p] ?? 0) - (trace.start[p] ?? 0))}</span>
              </a>
            </li>
          )
        })}
      </ul>
      {failed.length > SHOWN && (
        <p class="faint">and {(failed.length - SHOWN).toLocaleString('en')} more in the trace</p>
      )}
    </section>
  )
}
