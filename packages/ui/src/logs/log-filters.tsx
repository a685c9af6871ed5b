import type { ServicesResponse } from '@spanlink/api-schema'
import { useEffect, useMemo } from 'preact/hooks'
import { FilterForm } from '../components/filters/filter-form.tsx'
import { RecentRangeFilter, SelectFilter } from '../components/filters/select-filter.tsx'
import { TextFilter } from '../components/filters/text-filter.tsx'
import { createResource } from '../lib/resource.ts'
import { push } from '../lib/url.ts'
import { isFiltered, logsUrl, type LogsPageState } from './logs-url.ts'

export const SEARCH_ID = 'logs-search'

export function LogFilters({ pageState }: { readonly pageState: LogsPageState }) {
  const set = (change: Partial<LogsPageState>): void => push(logsUrl({ ...pageState, ...change }))
  const services = useMemo(() => createResource<ServicesResponse>(), [])
  useEffect(() => void services.load('/api/services'), [services])
  return (
    <FilterForm
      label="Filter logs"
      canClear={isFiltered(pageState) || pageState.last !== '1h'}
      onClear={() => push('/logs')}
    >
      <TextFilter
        id={SEARCH_ID}
        class="grow"
        isSearch
        label="Text"
        placeholder="Search message"
        value={pageState.q}
        onSet={(q) => set({ q })}
      />
      <SelectFilter
        label="Service"
        value={pageState.service}
        options={[['', 'All services'], ...(services.state.value.data?.services ?? [])]}
        onSet={(service) => set({ service })}
      />
      <SelectFilter
        label="Min severity"
        value={pageState.severity}
        options={[['', 'Any severity'], 'trace', 'debug', 'info', 'warn', 'error', 'fatal']}
        onSet={(severity) => set({ severity })}
      />
      <TextFilter
        class="grow"
        isMono
        label="Attribute"
        placeholder="key=value"
        value={pageState.attribute}
        onSet={(attribute) => set({ attribute })}
      />
      <TextFilter
        class="trace-id"
        isMono
        label="Trace"
        placeholder="Trace ID"
        pattern="\s*[0-9a-fA-F]{32}\s*"
        title="32 hex digits"
        value={pageState.traceId}
        onSet={(traceId) => set({ traceId: traceId.toLowerCase(), spanId: '' })}
      />
      <RecentRangeFilter value={pageState.last} disabled={pageState.traceId !== ''} onSet={(last) => set({ last })} />
    </FilterForm>
  )
}
