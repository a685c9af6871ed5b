import type { FlowLane, TraceSkeleton } from '@spanlink/api-schema'
import { useEffect, useMemo } from 'preact/hooks'
import { formatDuration } from '../../lib/format/duration.ts'
import { laneErrors } from '../model/lane-errors.ts'
import { buildTraceModel } from '../../trace/model/trace-model.ts'
import { selectionUrl, type FlowPageState } from '../flow-url.ts'
import { createResource } from '../../lib/resource.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'

const SHOWN = 20

/**
 * Failed spans of a lane, with links to their details: the error is often in a descendant of the
 * lane's root span.
 */
export function LaneErrors(props: {
  readonly pageState: FlowPageState
  readonly lane: FlowLane
  readonly lanes: readonly FlowLane[]
}) {
  const { pageState, lane, lanes } = props
  const skeleton = useMemo(() => createResource<TraceSkeleton>(), [])
  useEffect(() => {
    if (lane.errorCount > 0) void skeleton.load(`/api/traces/${lane.traceId}/skeleton`)
    return () => skeleton.stop()
  }, [skeleton, lane.traceId, lane.errorCount])
  const { data } = skeleton.state.value
  const trace = useMemo(() => (data === undefined ? undefined : buildTraceModel(data)), [data])
  if (trace === undefined || lane.errorCount === 0) return null
  const failed = laneErrors(trace, lane, lanes)
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
                <ServiceName name={span.service} />
                <Text class="operation">{span.name}</Text>
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
