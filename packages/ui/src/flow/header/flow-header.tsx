import { formatDurationNano } from '../../lib/format/duration.ts'
import { traceUrl } from '../../app/route.ts'
import { ErrorsFact, Fact, StartedFact } from '../../components/labels/facts.tsx'
import { SpanName } from '../../components/labels/labels.tsx'
import { CompareMenu } from '../compare/compare-menu.tsx'
import { PathShares } from './path-shares.tsx'
import type { FlowProps } from '../flow-view.ts'

export function FlowHeader({ view, pageState }: FlowProps) {
  const model = view.model.value
  const { traceId } = pageState
  const { statistics, title, criticalPath } = model.response
  if (title === null) return null
  return (
    <header class="trace-header flow-header">
      <h1>
        <span class="faint">Flow of</span>
        <SpanName service={title.service} name={title.name} />
      </h1>
      <CompareMenu view={view} traceId={traceId} />
      <dl class="facts">
        <StartedFact unixNano={model.startUnixNano.toString()} />
        <Fact name="Traces">{statistics.traceCount.toLocaleString('en')}</Fact>
        <Fact name="Spans">{statistics.spanCount.toLocaleString('en')}</Fact>
        <ErrorsFact count={statistics.errorCount} />
        <Fact name="Opened from">
          <a class="mono" href={traceUrl(traceId)} title="Open trace">
            {traceId.slice(0, 8)}…
          </a>
        </Fact>
      </dl>
      <dl class="flow-figures" aria-label="Time breakdown">
        <Fact name="End to end" title="From the first start to the last end of any span">
          {formatDurationNano(statistics.endToEndNano)}
        </Fact>
        <Fact name="Processing" title="At least one service was working">
          {formatDurationNano(statistics.processingNano)}
        </Fact>
        <Fact
          name="Queue time"
          class="queue"
          title="No service was working, and a message waited. Queue time on the critical path may be longer: parallel processing counts as processing."
        >
          {formatDurationNano(statistics.queueNano)}
        </Fact>
        <Fact name="Idle" title="No service was working, and no message is known to have waited">
          {formatDurationNano(statistics.idleNano)}
        </Fact>
        <Fact name="Total queue time" title="Sum over all messages">
          {formatDurationNano(statistics.queueTotalNano)}
        </Fact>
      </dl>
      {criticalPath !== null && <PathShares path={criticalPath} />}
    </header>
  )
}
