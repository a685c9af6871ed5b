import type { OperationsResponse, ServicesResponse } from '@spanlink/api-schema'
import { useEffect, useMemo } from 'preact/hooks'
import { filtersInQuery, withFilters, type SimpleFilters } from './query/filter-query.ts'
import { createResource, useRequest } from '../lib/resource.ts'
import { isFiltered, toQueryText, withQuery, type TraceFilters } from './trace-filters.ts'
import { tracesUrl } from '../app/route.ts'
import { push } from '../lib/url.ts'
import { FilterForm, SelectFilter, DurationFilter, TextFilter } from '../components/filters/filters.tsx'
import { GroupBy } from './group-by.tsx'
import { TimeRange } from './time-range.tsx'
import { withParams } from '../lib/query-params.ts'

export function FilterBar({ filters: urlFilters }: { readonly filters: TraceFilters }) {
  const filters = urlFilters.q === undefined ? urlFilters : { ...urlFilters, ...filtersInQuery(urlFilters.q).filters }
  const services = useMemo(() => createResource<ServicesResponse>(), [])
  useEffect(() => void services.load('api/services'), [services])
  const operations = useRequest<OperationsResponse>(withParams('api/operations', { service: filters.service }))

  const setTime = (change: TraceFilters): void => push(tracesUrl({ ...urlFilters, limit: undefined, ...change }))
  const set = (change: SimpleFilters): void =>
    push(tracesUrl({ ...withQuery(urlFilters, withFilters(toQueryText(urlFilters), change)) }))
  const spanNames = operations.data?.operations.map(({ name }) => name)
  return (
    <FilterForm
      label="Filter traces"
      canClear={isFiltered(urlFilters) || urlFilters.by !== undefined}
      onClear={() => push('./')}
    >
      <SelectFilter
        id="filter-service"
        label="Service"
        value={filters.service ?? ''}
        options={[['', 'All services'], ...(services.state.value.data?.services ?? [])]}
        onFocus={() => void services.load('api/services')}
        onSet={(service) => set({ service: service || undefined, operation: undefined })}
      />
      <TextFilter
        class="grow"
        label="Span name"
        placeholder="Any span name"
        listId="operation-names"
        suggestions={spanNames}
        value={filters.operation ?? ''}
        onSet={(operation) => set({ operation: operation || undefined })}
      />
      <DurationFilter
        label="Min duration"
        placeholder="e.g. 250ms"
        value={filters.minDuration ?? ''}
        onSet={(minDuration) => set({ minDuration })}
      />
      <DurationFilter
        label="Max duration"
        placeholder="e.g. 250ms"
        value={filters.maxDuration ?? ''}
        onSet={(maxDuration) => set({ maxDuration })}
      />
      <SelectFilter
        label="Status"
        value={filters.status ?? ''}
        options={[
          ['', 'Any'],
          ['error', 'Error'],
          ['ok', 'Ok'],
          ['unset', 'Unset'],
        ]}
        onSet={(status) => set({ status: status || undefined })}
      />
      <TimeRange filters={filters} onSet={setTime} />
      <GroupBy by={urlFilters.by} onSet={(by) => setTime({ by })} />
    </FilterForm>
  )
}
