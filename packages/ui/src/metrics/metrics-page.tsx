import type { Metric, MetricsResponse } from '@spanlink/api-schema'
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import './metrics.css'
import { selectMetric, metricSummary } from './select-metric.ts'
import { leaveField, useKeys, type KeyBinding } from '../app/keyboard.ts'
import { parseMetricsUrl, metricsUrl } from './metrics-url.ts'
import { createResource } from '../lib/resource.ts'
import { replace, usePageTitle } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { focusRow } from '../components/list/row-navigation.ts'
import { Notice, ConnectLink } from '../components/notice.tsx'
import { Text } from '../components/labels/labels.tsx'
import { MetricPanel } from './metric-panel.tsx'
import { withParams } from '../lib/query-params.ts'

const SEARCH_ID = 'metrics-search'
const MAX_LISTED = 400

const KEYS: readonly KeyBinding[] = [
  { keys: ['/'], does: 'Search metrics', run: () => document.getElementById(SEARCH_ID)?.focus() },
  { keys: ['j', 'ArrowDown'], does: 'Next metric', run: () => focusRow('.metric-link', 1) },
  { keys: ['k', 'ArrowUp'], does: 'Previous metric', run: () => focusRow('.metric-link', -1) },
  { keys: ['Escape'], does: 'Exit search', run: leaveField, whileTyping: true },
]

export function MetricsPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const pageState = useMemo(() => parseMetricsUrl(query), [search])
  const metrics = useMemo(() => createResource<MetricsResponse>(), [])
  const wanted = useSignal('')
  usePageTitle(pageState.name.slice(0, 60) || 'Metrics')
  useEffect(() => {
    const path = withParams('api/metrics', { q: wanted.value })
    const timer = setTimeout(() => void metrics.load(path), wanted.value === '' ? 0 : 150)
    return () => clearTimeout(timer)
  }, [metrics, wanted.value])
  const { data, error } = metrics.state.value
  const first = data?.metrics[0]
  useEffect(() => {
    if (pageState.name === '' && first !== undefined)
      replace(metricsUrl({ ...pageState, name: first.name, type: first.type, unit: first.unit }))
  }, [pageState, first])
  useKeys('Metrics', KEYS)
  if (error !== undefined && data === undefined) {
    return (
      <Notice icon="unplugged" kind="error" title="The metrics could not be loaded" isPage>
        <p>{error.message}</p>
      </Notice>
    )
  }
  if (data !== undefined && data.metrics.length === 0 && wanted.value === '') {
    return (
      <Notice icon="plug" title="No metrics yet" isPage>
        <p>Metrics that applications send by OTLP appear here.</p>
        <ConnectLink />
      </Notice>
    )
  }
  const chosen = selectMetric(data?.metrics ?? [], pageState)
  return (
    <div class="metrics-page">
      <h1 class="visually-hidden">Metrics</h1>
      <nav class="metric-list" aria-label="Metrics">
        <label class="metric-search">
          <span class="visually-hidden">Search metrics</span>
          <Icon name="search" />
          <input
            id={SEARCH_ID}
            type="search"
            placeholder="Search metrics"
            autoComplete="off"
            spellcheck={false}
            value={wanted.value}
            onInput={(event) => (wanted.value = event.currentTarget.value.trim())}
          />
        </label>
        <ul>
          {data?.metrics.slice(0, MAX_LISTED).map((metric) => (
            <Entry key={JSON.stringify(metric)} metric={metric} isCurrent={metric === chosen} last={pageState.last} />
          ))}
        </ul>
        {data !== undefined && data.metrics.length === 0 && <p class="faint none-line">No matching metrics.</p>}
      </nav>
      {pageState.name !== '' && (
        <MetricPanel
          key={`${pageState.name} ${pageState.type} ${pageState.unit}`}
          pageState={pageState}
          metric={chosen}
        />
      )}
    </div>
  )
}

function Entry(props: { readonly metric: Metric; readonly isCurrent: boolean; readonly last: string }) {
  const { metric } = props
  return (
    <li>
      <a
        href={metricsUrl({ name: metric.name, type: metric.type, unit: metric.unit, last: props.last as never })}
        aria-current={props.isCurrent ? 'true' : undefined}
        class="metric-link"
      >
        <Text class="mono">{metric.name}</Text>
        <span class="faint">{metricSummary(metric)}</span>
      </a>
    </li>
  )
}
