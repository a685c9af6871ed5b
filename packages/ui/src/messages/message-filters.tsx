import type { TopologyResponse } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { createResource } from '../lib/resource.ts'
import { topologyPath } from '../topology/topology-url.ts'
import { hasAfter, isNever, messagesUrl, type MessagesPlace } from './messages-url.ts'
import { push } from '../lib/url.ts'
import { CheckFilter } from '../components/filters/check-filter.tsx'
import { FilterForm } from '../components/filters/filter-form.tsx'
import { RecentRangeFilter } from '../components/filters/select-filter.tsx'
import { DurationFilter, TextFilter } from '../components/filters/text-filter.tsx'

export function MessageFilters({ place }: { readonly place: MessagesPlace }) {
  const set = (change: Partial<MessagesPlace>): void => push(messagesUrl({ ...place, limit: 50, ...change }))
  const landscape = useMemo(() => createResource<TopologyResponse>(), [])
  const askNames = (): void => void landscape.load(topologyPath(place, Date.now()))
  const names = (type: 'topic' | 'group'): string[] | undefined =>
    landscape.state.value.data?.nodes.flatMap((node) => (node.type === type ? [node.name] : []))
  const isFiltered =
    isNever(place) || place.topic !== '' || place.group !== '' || place.after !== '' || place.last !== '1h'
  return (
    <FilterForm
      label="Filter messages"
      canClear={isFiltered}
      onClear={() => set({ topic: '', group: '', never: false, after: '', last: '1h' })}
    >
      <TextFilter
        id="message-topic"
        class="grow"
        label="Topic"
        placeholder="Any topic"
        listId="message-topics"
        suggestions={names('topic')}
        maxLength={1024}
        value={place.topic}
        onFocus={askNames}
        onSet={(topic) => set({ topic })}
      />
      <TextFilter
        class="grow"
        label="Consumer group"
        placeholder="Any group"
        listId="message-groups"
        suggestions={names('group')}
        disabled={isNever(place)}
        maxLength={1024}
        value={isNever(place) ? '' : place.group}
        onFocus={askNames}
        onSet={(group) => set({ group })}
      />
      {place.list === 'unconsumed' && (
        <CheckFilter
          label="Never consumed"
          title="Only messages that no group has consumed"
          checked={place.never}
          onSet={(never) => set({ never })}
        />
      )}
      {hasAfter(place.list) && (
        <DurationFilter
          label={place.list === 'late' ? 'Min queue time' : 'Min age'}
          placeholder={place.list === 'late' ? '10s' : '1m'}
          value={place.after}
          onSet={(after = '') => set({ after })}
        />
      )}
      <RecentRangeFilter value={place.last} onSet={(last) => set({ last })} />
    </FilterForm>
  )
}
