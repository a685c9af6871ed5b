import type { TracesResponse } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { formatDuration } from '../../lib/format/duration.ts'
import { flowUrl } from '../flow-url.ts'
import type { FlowView } from '../flow-view.ts'
import { createResource } from '../../lib/resource.ts'
import { push } from '../../lib/url.ts'
import { announce } from '../../app/announcer.tsx'
import { Icon } from '../../components/buttons/icon.tsx'
import { Age } from '../../components/labels/labels.tsx'

/**
 * Menu of flows to compare with: flows with the same root service and operation, or any trace by
 * id.
 */
export function CompareMenu({ view, traceId }: { readonly view: FlowView; readonly traceId: string }) {
  const alike = useMemo(() => createResource<TracesResponse>(), [])
  const { title } = view.model.value.response
  const load = (): void => {
    if (title === null || alike.state.peek().data !== undefined) return
    const params = new URLSearchParams({ service: title.service, operation: title.name, limit: '10' })
    void alike.load(`api/traces?${params}`)
  }
  const others = alike.state.value.data?.traces.filter((trace) => trace.traceId !== title?.traceId) ?? []
  const open = (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): void => {
    event.preventDefault()
    const input = event.currentTarget.elements.namedItem('other')
    const other = input instanceof HTMLInputElement ? /[0-9a-f]{32}/i.exec(input.value)?.[0].toLowerCase() : undefined
    if (other === undefined) announce('Not a trace ID: expected 32 hex digits.')
    else push(flowUrl(traceId, { against: other }))
  }
  return (
    <details class="compare-choice popup" onToggle={load}>
      <summary class="bare button">Compare…</summary>
      <div class="compare-menu">
        <form onSubmit={open}>
          <input
            name="other"
            class="mono"
            placeholder="Trace ID of another flow"
            aria-label="Trace ID of another flow"
            autoComplete="off"
            spellcheck={false}
          />
          <button>Compare</button>
        </form>
        {alike.state.value.loading && <p class="faint">Searching similar flows…</p>}
        {alike.state.value.data !== undefined && others.length === 0 && <p class="faint">No similar flows found.</p>}
        <ul>
          {others.map((trace) => (
            <li key={trace.traceId}>
              <a href={flowUrl(traceId, { against: trace.traceId })}>
                <Age unixNano={trace.startTimeUnixNano} />
                <span class="faint">root {formatDuration(Number(trace.durationNano))}</span>
                {trace.errorCount > 0 && <Icon name="error" label="has errors" />}
                <code>{trace.traceId.slice(-8)}</code>
              </a>
            </li>
          ))}
        </ul>
      </div>
    </details>
  )
}
