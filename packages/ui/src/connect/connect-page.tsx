import { useSignal } from '@preact/signals'
import { formatAge } from '../lib/format/time.ts'
import { now } from '../lib/clock.ts'
import { lastArrival, status, statusError } from '../app/status.ts'
import { CopyButton } from '../components/buttons/copy-button.tsx'
import { setups } from './setup-guides.ts'
import { Fact } from '../components/labels/facts.tsx'
import { usePageTitle } from '../lib/url.ts'

export function ConnectPage() {
  usePageTitle('Connect')
  const chosen = useSignal(setups[0].id)
  const setup = setups.find(({ id }) => id === chosen.value) ?? setups[0]
  const endpoint = status.value?.endpoints.otlpHttp ?? 'http://127.0.0.1:4318'
  return (
    <div class="connect-page">
      <h1>Connect an application</h1>
      <Arrival />
      <dl class="endpoints">
        <Fact name="OTLP over HTTP">
          <code>{endpoint}</code>
          <CopyButton value={endpoint} label="Copy OTLP/HTTP endpoint" />
        </Fact>
        {status.value?.endpoints.otlpGrpc !== undefined && (
          <Fact name="OTLP over gRPC">
            <code>{status.value.endpoints.otlpGrpc}</code>
            <CopyButton value={status.value.endpoints.otlpGrpc} label="Copy OTLP/gRPC endpoint" />
          </Fact>
        )}
      </dl>
      <fieldset class="setup-choice">
        <legend class="visually-hidden">Language or agent</legend>
        {setups.map(({ id, title }) => (
          <label key={id} class={`tab ${id === setup.id ? 'chosen' : ''}`}>
            <input
              type="radio"
              name="setup"
              value={id}
              checked={id === setup.id}
              onChange={() => (chosen.value = id)}
            />
            {title}
          </label>
        ))}
      </fieldset>
      <ol class="steps">
        {setup.steps.map((step) => {
          const code = step.code(endpoint)
          return (
            <li key={step.title}>
              <h2>{step.title}</h2>
              {step.note !== undefined && <p>{step.note}</p>}
              <figure class="code">
                <figcaption>
                  <span>{step.file}</span>
                  <CopyButton value={code} label={`Copy: ${step.title}`} />
                </figcaption>
                <pre tabIndex={0}>
                  <code>{code}</code>
                </pre>
              </figure>
            </li>
          )
        })}
      </ol>
    </div>
  )
}

/** Shows whether spans have arrived at this server. */
function Arrival() {
  const known = status.value
  if (statusError.value !== undefined) {
    return (
      <p class="arrival down" role="status">
        <i class="lamp" />
        <span>{statusError.value.message}</span>
      </p>
    )
  }
  const spans = known?.ingest.spans ?? 0
  const rejected = known?.ingest.rejectedSpans ?? 0
  const at = lastArrival.value
  return (
    <p class={`arrival ${at !== undefined ? 'on' : spans > 0 ? 'seen' : 'waiting'}`} role="status">
      <i class="lamp" />
      <span>
        {spans === 0 ? (
          'Waiting for spans. None received since the server started.'
        ) : (
          <>
            <b>{spans.toLocaleString('en')}</b> {spans === 1 ? 'span' : 'spans'} received since the server started
            {at === undefined ? ', none while this page is open' : `, the last ${formatAge(at, now.value)}`}.{' '}
            <a href="./">View traces</a>
          </>
        )}
        {rejected > 0 && <span class="errors"> {rejected.toLocaleString('en')} rejected; see the server log.</span>}
      </span>
    </p>
  )
}
