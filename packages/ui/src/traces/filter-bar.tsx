import type { OperationsResponse, ServicesResponse } from '@spanlink/api-schema'
import { useEffect, useMemo } from 'preact/hooks'
import { filtersInQuery, withFilters, type SimpleFilters } from './query/filter-query.ts'
import { visibleText } from '../lib/format/visible-text.ts'
import { createResource } from '../lib/resource.ts'
import { asDuration, isFiltered, queryTextOf, withQuery, type TraceFilters } from './trace-filters.ts'
import { tracesUrl } from '../app/route.ts'
import { push } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { GroupBy } from './group-by.tsx'
import { TimeRange } from './time-range.tsx'

/** Longer names than this break native lists, and nobody picks one by its tail. */
const MOST_NAME = 80
const MOST_NAMES = 1000

export function FilterBar({ filters: asked }: { readonly filters: TraceFilters }) {
  const filters = asked.q === undefined ? asked : { ...asked, ...filtersInQuery(asked.q).filters }
  const services = useMemo(() => createResource<ServicesResponse>(), [])
  const operations = useMemo(() => createResource<OperationsResponse>(), [])
  useEffect(() => void services.load('/api/services'), [services])
  useEffect(() => {
    const of = filters.service === undefined ? '' : `?${new URLSearchParams({ service: filters.service })}`
    void operations.load(`/api/operations${of}`)
  }, [operations, filters.service])

  const setTime = (change: TraceFilters): void => push(tracesUrl({ ...asked, limit: undefined, ...change }))
  const set = (change: SimpleFilters): void =>
    push(tracesUrl({ ...withQuery(asked, withFilters(queryTextOf(asked), change)) }))
  const names = withChosen(services.state.value.data?.services ?? [], filters.service)
  const spanNames = [...new Set(operations.state.value.data?.operations.map((operation) => operation.name))]
  return (
    <form class="filters" role="search" aria-label="Filter traces" onSubmit={(event) => event.preventDefault()}>
      <label>
        Service
        <select
          id="filter-service"
          value={filters.service ?? ''}
          onFocus={() => void services.load('/api/services')}
          onChange={(event) => set({ service: event.currentTarget.value || undefined, operation: undefined })}
        >
          <option value="">All services</option>
          {names.slice(0, MOST_NAMES).map((name) => (
            <option key={name} value={name}>
              {visibleText(name, MOST_NAME)}
            </option>
          ))}
        </select>
      </label>
      <label class="grow">
        Operation
        <input
          list="operation-names"
          placeholder="Any span name"
          autoComplete="off"
          spellcheck={false}
          value={filters.operation ?? ''}
          onChange={(event) => set({ operation: event.currentTarget.value || undefined })}
        />
        <datalist id="operation-names">
          {spanNames
            .filter((name) => name.length <= MOST_NAME)
            .slice(0, MOST_NAMES)
            .map((name) => (
              <option key={name} value={name} />
            ))}
        </datalist>
      </label>
      <DurationInput label="Min duration" value={filters.minDuration} onSet={(minDuration) => set({ minDuration })} />
      <DurationInput label="Max duration" value={filters.maxDuration} onSet={(maxDuration) => set({ maxDuration })} />
      <label>
        Status
        <select
          value={filters.status ?? ''}
          onChange={(event) => set({ status: event.currentTarget.value || undefined })}
        >
          <option value="">Any</option>
          <option value="error">Error</option>
          <option value="ok">Ok</option>
          <option value="unset">Unset</option>
        </select>
      </label>
      <TimeRange filters={filters} onSet={setTime} />
      <GroupBy by={asked.by} onSet={(by) => setTime({ by })} />
      <button
        type="button"
        class="clear"
        disabled={!isFiltered(asked) && asked.by === undefined}
        onClick={() => push('/')}
        title="Clear all filters"
      >
        <Icon name="close" />
        Clear
      </button>
    </form>
  )
}

function DurationInput(props: {
  readonly label: string
  readonly value: string | undefined
  readonly onSet: (value: string | undefined) => void
}) {
  return (
    <label class="duration">
      {props.label}
      <input
        placeholder="e.g. 250ms"
        autoComplete="off"
        pattern={DURATION}
        title="A number with a unit: ns, us, ms, s, m or h. Without one: milliseconds."
        value={props.value ?? ''}
        onChange={(event) => {
          const value = asDuration(event.currentTarget.value)
          event.currentTarget.setCustomValidity('')
          if (event.currentTarget.reportValidity()) props.onSet(value)
        }}
      />
    </label>
  )
}

const DURATION = '\\s*[0-9]+(\\.[0-9]+)?\\s*(ns|us|µs|ms|s|m|h)?\\s*'

/**
 * The chosen name stays choosable also when it has not been seen yet or the list failed to load.
 */
function withChosen(names: readonly string[], chosen: string | undefined): readonly string[] {
  return chosen === undefined || names.includes(chosen) ? names : [chosen, ...names]
}
