import type { TopologyModel } from './topology-model.ts'
import type { Signal } from '@preact/signals'
import type { ApiError } from '../lib/api.ts'
import { topologyUrl, type TopologyPageState } from './topology-url.ts'
import { push, replace } from '../lib/url.ts'
import { CheckFilter, FilterForm, RecentRangeFilter } from '../components/filters/filters.tsx'
import { LiveButton, RefreshError, SearchedRangeText } from '../components/list/results-bar.tsx'

export function TopologyBar(props: {
  readonly pageState: TopologyPageState
  readonly model: TopologyModel | undefined
  readonly error: ApiError | undefined
  readonly paused: Signal<boolean>
}) {
  const { pageState, model, error, paused } = props
  const set = (change: Partial<TopologyPageState>): void => push(topologyUrl({ ...pageState, ...change }))
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
          value={pageState.text}
          onInput={(event) => {
            const url = topologyUrl({ ...pageState, text: event.currentTarget.value, focus: undefined })
            // Adds one history entry per search text instead of one per typed character.
            if (pageState.text === '') push(url)
            else replace(url)
          }}
        />
      </label>
      <RecentRangeFilter value={pageState.last} onSet={(last) => set({ last })} />
      <CheckFilter label="Errors only" checked={pageState.onlyErrors} onSet={(onlyErrors) => set({ onlyErrors })} />
      <p class="topology-count">
        {model !== undefined && model.nodes.length > 0 && (
          <>
            <Count of="service" model={model} /> · <Count of="topic" model={model} /> ·{' '}
            <Count of="group" model={model} />
            <SearchedRangeText range={{ ...model.response, complete: true }} />
          </>
        )}
      </p>
      {model !== undefined && <RefreshError error={error} />}
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
