import { formatDuration } from '../lib/format/duration.ts'
import type { TraceModel } from './model/trace-model.ts'
import { flowUrl } from '../flow/flow-url.ts'
import { CopyButton } from '../components/buttons/copy-button.tsx'
import { Icon } from '../components/buttons/icon.tsx'
import { ErrorsFact, Fact, StartedFact } from '../components/labels/facts.tsx'
import { LinkBadge } from '../components/labels/link-badge.tsx'
import { ErrorCount, ServiceName, SpanName } from '../components/labels/labels.tsx'

const SERVICES_SHOWN = 8

export function TraceHeader({ model }: { readonly model: TraceModel }) {
  const root = model.spans[0]
  if (root === undefined) return null
  const out = sum(model.linksOut)
  const into = sum(model.linksIn)
  return (
    <header class="trace-header">
      <h1>
        <SpanName service={root.service} name={root.name} />
      </h1>
      <a class="button" href={flowUrl(model.traceId)} title="All traces that one event caused, on one time axis">
        <Icon name="flow" />
        Flow
      </a>
      <a
        class="button"
        href={`api/traces/${model.traceId}`}
        target="_blank"
        rel="noreferrer"
        title="View raw JSON in a new tab"
      >
        JSON
      </a>
      <dl class="facts">
        <StartedFact unixNano={model.startUnixNano.toString()} />
        <Fact name="Duration">{formatDuration(model.duration)}</Fact>
        <Fact name="Spans">{model.count.toLocaleString('en')}</Fact>
        <ErrorsFact count={model.errorCount} />
        <Fact name="Links">
          {out > 0 && <LinkBadge direction="out" count={out} />}
          {into > 0 && <LinkBadge direction="in" count={into} />}
          {out + into === 0 && 'none'}
        </Fact>
        <Fact name="Trace ID">
          <code>{model.traceId}</code>
          <CopyButton value={model.traceId} label="Copy trace ID" />
        </Fact>
      </dl>
      <ul class="service-list" aria-label="Services">
        {model.services.slice(0, SERVICES_SHOWN).map((service) => (
          <li key={service.name} class="chip">
            <ServiceName name={service.name} />
            <span class="chip-count">{service.spanCount.toLocaleString('en')}</span>
            {service.errorCount > 0 && <ErrorCount label="errors">{service.errorCount}</ErrorCount>}
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
