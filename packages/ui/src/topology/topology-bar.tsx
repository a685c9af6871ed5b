import type { TopologyModel } from './topology-model.ts'
import type { Signal } from '@preact/signals'
import type { ApiError } from '../lib/api.ts'
import { topologyUrl, type TopologyPlace } from './topology-url.ts'
import { push, replace } from '../lib/url.ts'
import { CheckFilter } from '../components/filters/check-filter.tsx'
import { FilterForm } from '../components/filters/filter-form.tsx'
import { RecentRangeFilter } from '../components/filters/select-filter.tsx'
import { LiveButton } from '../components/buttons/live-button.tsx'
import { NotRefreshing } from '../components/list/refresh-error.tsx'
import { Searched } from '../components/list/searched-range.tsx'

export function TopologyBar(props: {
  readonly place: TopologyPlace
  readonly model: TopologyModel | undefined
  readonly error: ApiError | undefined
  readonly paused: Signal<boolean>
}) {
  const { place, model, error, paused } = props
  const set = (change: Partial<TopologyPlace>): void => push(topologyUrl({ ...place, ...change }))
  return (
    <FilterForm label="Filter topology">
      <label class="grow">
        Find
        <input
          id="topology-search"
          type="search"
          placeholder="Service, topic or consumer group"
          autoComplete="off"
          spellcheck={false}
          value={place.text}
          onInput={(event) => {
            const url = topologyUrl({ ...place, text: event.currentTarget.value, focus: undefined })
            // One entry for the word, not one for each letter.
            if (place.text === '') push(url)
            else replace(url)
          }}
        />
      </label>
      <RecentRangeFilter value={place.last} onSet={(last) => set({ last })} />
      <CheckFilter label="Errors only" checked={place.onlyErrors} onSet={(onlyErrors) => set({ onlyErrors })} />
      <p class="topology-count">
        {model !== undefined && model.nodes.length > 0 && (
          <>
            <Count of="service" model={model} /> · <Count of="topic" model={model} /> ·{' '}
            <Count of="group" model={model} />
            <Searched range={{ ...model.answer, complete: true }} />
          </>
        )}
      </p>
      {model !== undefined && <NotRefreshing error={error} />}
      <LiveButton paused={paused} title="Refresh every 10 s (p)" />
    </FilterForm>
  )
}

function Count({ of, model }: { readonly of: string; readonly model: TopologyModel }) {
  const count = model.nodes.filter((node) => node.type === of).length
  return (
    <>
      <b>{count.toLocaleString('en')}</b> {count === 1 ? of : `${of}s`}
    </>
  )
}
