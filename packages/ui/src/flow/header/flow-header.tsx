import type { ComponentChildren } from 'preact'
import { formatDurationNano } from '../../lib/format/duration.ts'
import { formatTime } from '../../lib/format/time.ts'
import type { FlowPageState } from '../flow-url.ts'
import type { FlowView } from '../flow-view.ts'
import { traceUrl } from '../../app/route.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { Age } from '../../components/labels/age.tsx'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'
import { CompareMenu } from '../compare/compare-menu.tsx'
import { PathShares } from './path-shares.tsx'

export function FlowHeader(props: {
  readonly view: FlowView
  readonly traceId: string
  readonly pageState: FlowPageState
}) {
  const model = props.view.model.value
  const { statistics, title, criticalPath } = model.response
  if (title === null) return null
  const start = model.startUnixNano.toString()
  return (
    <header class="trace-header flow-header">
      <h1>
        <span class="faint">Flow of</span>
        <ServiceName name={title.service} />
        <Text class="operation">{title.name}</Text>
      </h1>
      <CompareMenu view={props.view} traceId={props.traceId} />
      <dl class="facts">
        <Fact name="Started">
          {formatTime(start).slice(0, 23)}{' '}
          <span class="faint">
            (<Age unixNano={start} />)
          </span>
        </Fact>
        <Fact name="Traces">{statistics.traceCount.toLocaleString('en')}</Fact>
        <Fact name="Spans">{statistics.spanCount.toLocaleString('en')}</Fact>
        <div>
          <dt>Errors</dt>
          <dd class={statistics.errorCount > 0 ? 'errors' : ''}>
            {statistics.errorCount > 0 && <Icon name="error" />}
            {statistics.errorCount.toLocaleString('en')}
          </dd>
        </div>
        <div>
          <dt>Opened from</dt>
          <dd>
            <a class="mono" href={traceUrl(props.traceId)} title="Open trace">
              {props.traceId.slice(0, 8)}…
            </a>
          </dd>
        </div>
      </dl>
      <dl class="flow-figures" aria-label="Time breakdown">
        <div class="whole" title="From the first start to the last end of any span">
          <dt>End to end</dt>
          <dd>{formatDurationNano(statistics.endToEndNano)}</dd>
        </div>
        <div title="At least one service was working">
          <dt>Processing</dt>
          <dd>{formatDurationNano(statistics.processingNano)}</dd>
        </div>
        <div
          class="queue"
          title="No service was working, and a message waited. Queue time on the critical path may be longer: parallel processing counts as processing."
        >
          <dt>Queue time</dt>
          <dd>{formatDurationNano(statistics.queueNano)}</dd>
        </div>
        <div title="No service was working, and no message is known to have waited">
          <dt>Idle</dt>
          <dd>{formatDurationNano(statistics.idleNano)}</dd>
        </div>
        <div title="Sum over all messages">
          <dt>Total queue time</dt>
          <dd>{formatDurationNano(statistics.queueTotalNano)}</dd>
        </div>
      </dl>
      {criticalPath !== null && <PathShares path={criticalPath} />}
    </header>
  )
}

function Fact(props: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  )
}
