import type { ServicesResponse } from '@spanlink/api-schema'
import { FilterForm, RecentRangeFilter, SelectFilter, TextFilter } from '../components/filters/filters.tsx'
import { push } from '../lib/url.ts'
import { isFiltered, logsUrl, type LogsPageState } from './logs-url.ts'
import { useRequest } from '../lib/resource.ts'

export const SEARCH_ID = 'logs-search'

export function LogFilters({ pageState }: { readonly pageState: LogsPageState }) {
  const set = (change: Partial<LogsPageState>): void => push(logsUrl({ ...pageState, ...change }))
  const services = useRequest<ServicesResponse>('api/services').data?.services ?? []
  return (
    <FilterForm
      label="Filter logs"
      canClear={isFiltered(pageState) || pageState.last !== '1h'}
      onClear={() => push('logs')}
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
        options={[['', 'All services'], ...services]}
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
