import { formatDuration } from '../lib/format/duration.ts'
import { formatTime } from '../lib/format/time.ts'
import type { TraceModel } from './model/trace-model.ts'
import { flowUrl } from '../flow/flow-url.ts'
import { CopyButton } from '../components/buttons/copy-button.tsx'
import { Icon } from '../components/buttons/icon.tsx'
import { LinkBadge } from '../components/labels/link-badge.tsx'
import { Age } from '../components/labels/age.tsx'
import { ServiceName } from '../components/labels/service-name.tsx'
import { Text } from '../components/labels/text.tsx'

const SERVICES_SHOWN = 8

export function TraceHeader({ model }: { readonly model: TraceModel }) {
  const root = model.spans[0]
  if (root === undefined) return null
  const out = sum(model.linksOut)
  const into = sum(model.linksIn)
  const start = model.startUnixNano.toString()
  return (
    <header class="trace-header">
      <h1>
        <ServiceName name={root.service} />
        <Text class="operation">{root.name}</Text>
      </h1>
      <a class="button" href={flowUrl(model.traceId)} title="All traces that one event caused, on one time axis">
        <Icon name="flow" />
        Flow
      </a>
      <a
        class="button"
        href={`/api/traces/${model.traceId}`}
        target="_blank"
        rel="noreferrer"
        title="View raw JSON in a new tab"
      >
        JSON
      </a>
      <dl class="facts">
        <div>
          <dt>Started</dt>
          <dd>
            {formatTime(start).slice(0, 23)}{' '}
            <span class="faint">
              (<Age unixNano={start} />)
            </span>
          </dd>
        </div>
        <div>
          <dt>Duration</dt>
          <dd>{formatDuration(model.duration)}</dd>
        </div>
        <div>
          <dt>Spans</dt>
          <dd>{model.count.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>Errors</dt>
          <dd class={model.errorCount > 0 ? 'errors' : ''}>
            {model.errorCount > 0 && <Icon name="error" />}
            {model.errorCount.toLocaleString('en')}
          </dd>
        </div>
        <div>
          <dt>Links</dt>
          <dd>
            {out > 0 && <LinkBadge direction="out" count={out} />}
            {into > 0 && <LinkBadge direction="in" count={into} />}
            {out + into === 0 && 'none'}
          </dd>
        </div>
        <div class="id">
          <dt>Trace ID</dt>
          <dd>
            <code>{model.traceId}</code>
            <CopyButton value={model.traceId} label="Copy trace ID" />
          </dd>
        </div>
      </dl>
      <ul class="service-list" aria-label="Services">
        {model.services.slice(0, SERVICES_SHOWN).map((service) => (
          <li key={service.name} class="chip">
            <ServiceName name={service.name} />
            <span class="chip-count">{service.spanCount.toLocaleString('en')}</span>
            {service.errorCount > 0 && (
              <span class="errors">
                <Icon name="error" label="errors" />
                {service.errorCount}
              </span>
            )}
          </li>
        ))}
        {model.services.length > SERVICES_SHOWN && <li class="faint">+{model.services.length - SERVICES_SHOWN}</li>}
      </ul>
    </header>
  )
}

function sum(values: Uint32Array): number {
  return values.reduce((total, one) => total + one, 0)
}
