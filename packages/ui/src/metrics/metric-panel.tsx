import type { Metric, MetricLabelsResponse, MetricSeriesResponse } from '@spanlink/api-schema'
import { useEffect, useMemo } from 'preact/hooks'
import { formatMetricValue } from './metric-text.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { labelsPath, metricsUrl, seriesPath, type MetricsPageState } from './metrics-url.ts'
import { poll } from '../lib/poll.ts'
import { createResource, useRequest } from '../lib/resource.ts'
import { traceUrl } from '../app/route.ts'
import { push, replace } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { FilterForm, RecentRangeFilter, SelectFilter, TextFilter } from '../components/filters/filters.tsx'
import { Age, ServiceName } from '../components/labels/labels.tsx'
import { BucketMap } from './bucket-map.tsx'
import { formatExemplar, LineChart } from './line-chart.tsx'

const REFRESH_INTERVAL_MS = 10_000
const EXEMPLARS_SHOWN = 8

export function MetricPanel(props: { readonly pageState: MetricsPageState; readonly metric: Metric | undefined }) {
  const { pageState, metric } = props
  const series = useMemo(() => createResource<MetricSeriesResponse>(), [])
  useEffect(() => {
    const stop = poll(() => series.load(seriesPath(pageState, Date.now())), REFRESH_INTERVAL_MS)
    return () => {
      stop()
      series.stop()
    }
  }, [series, pageState])
  const known = useRequest<MetricLabelsResponse>(labelsPath(pageState)).data?.labels ?? []
  const { data, error } = series.state.value
  // Without a type in the URL the server chooses a metric of this name; the URL then shows which.
  useEffect(() => {
    if (pageState.type === '' && data !== undefined)
      replace(metricsUrl({ ...pageState, type: data.type, unit: data.unit }))
  }, [pageState, data])
  const set = (change: Partial<MetricsPageState>): void => push(metricsUrl({ ...pageState, ...change }))
  const isDistribution = metric !== undefined && !['gauge', 'sum'].includes(metric.type)
  const filters = known.flatMap(({ key, values }) => values.slice(0, 20).map((value) => `${key}=${value}`))
  return (
    <section class="metric-panel" aria-label={pageState.name}>
      <header>
        <h2 class="mono">{pageState.name}</h2>
        {metric !== undefined && (
          <p class="faint">
            {[metric.type, metric.unit, metric.temporality === 'unspecified' ? '' : metric.temporality]
              .filter((word) => word !== '')
              .join(' · ')}
            {metric.description === '' ? '' : ` · ${metric.description.slice(0, 300)}`}
          </p>
        )}
      </header>
      <FilterForm label="Metric options">
        <SelectFilter
          label="Group by"
          value={pageState.groupBy}
          options={[
            ['', 'No grouping'],
            ...known.map(({ key, valueCount }) => [key, `${sanitizeText(key, 80)} (${valueCount})`] as const),
          ]}
          onSet={(groupBy) => set({ groupBy })}
        />
        <TextFilter
          class="grow"
          isMono
          label="Filter"
          placeholder="label=value"
          listId="metric-filters"
          suggestions={filters}
          value={pageState.filter}
          onSet={(filter) => set({ filter })}
        />
        {isDistribution && (
          <SelectFilter
            label="Show"
            value={pageState.view}
            options={[
              ['', 'Quantiles'],
              ['buckets', 'Buckets'],
              ['mean', 'Mean'],
              ['count', 'Count'],
              ['sum', 'Sum'],
            ]}
            onSet={(view) => set({ view })}
          />
        )}
        <RecentRangeFilter value={pageState.last} onSet={(last) => set({ last })} />
      </FilterForm>
      {error !== undefined && (
        <p class="errors" role="alert">
          <Icon name="warning" />
          {error.message}
        </p>
      )}
      {data === undefined ? (
        error === undefined && <div class="chart loading" role="status" aria-label="Loading the series" />
      ) : data.series.length === 0 ? (
        <p class="none-line faint">No data in range. Choose a longer one.</p>
      ) : data.view === 'buckets' ? (
        <BucketMap response={data} />
      ) : (
        <LineChart response={data} />
      )}
      {data?.truncated === true && (
        <p class="cut">
          <Icon name="info" /> More series match than are shown. Add a filter, or narrow the range.
        </p>
      )}
      {data !== undefined && <Exemplars response={data} />}
    </section>
  )
}

/** The exemplar dots as a list, for keyboard use and details. */
function Exemplars({ response }: { readonly response: MetricSeriesResponse }) {
  const linked = response.exemplars.filter(({ traceId }) => traceId !== '')
  if (linked.length === 0) return null
  const largest = linked.toSorted((a, b) => Number(b.value) - Number(a.value)).slice(0, EXEMPLARS_SHOWN)
  const text = (value: number): string => formatMetricValue(value, response.unit, false)
  return (
    <section class="exemplars" aria-label="Exemplars">
      <h3>
        Exemplars <span class="section-count">{linked.length}, largest first</span>
      </h3>
      <ul>
        {largest.map((exemplar, index) => (
          <li key={index}>
            <a href={traceUrl(exemplar.traceId, exemplar.spanId)}>
              <b>{formatExemplar(exemplar, text)}</b>
              <ServiceName name={exemplar.service} />
              <Age unixNano={exemplar.timeUnixNano} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
