import type { TopologyResponse } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { createResource } from '../lib/resource.ts'
import { topologyPath } from '../topology/topology-url.ts'
import { hasMinDuration, isNeverConsumed, messagesUrl, type MessagesPageState } from './messages-url.ts'
import { push } from '../lib/url.ts'
import {
  CheckFilter,
  FilterForm,
  RecentRangeFilter,
  DurationFilter,
  TextFilter,
} from '../components/filters/filters.tsx'

export function MessageFilters({ pageState }: { readonly pageState: MessagesPageState }) {
  const set = (change: Partial<MessagesPageState>): void => push(messagesUrl({ ...pageState, limit: 50, ...change }))
  const topology = useMemo(() => createResource<TopologyResponse>(), [])
  const loadNames = (): void => void topology.load(topologyPath(pageState, Date.now()))
  const names = (type: 'topic' | 'group'): string[] | undefined =>
    topology.state.value.data?.nodes.flatMap((node) => (node.type === type ? [node.name] : []))
  const isFiltered =
    isNeverConsumed(pageState) ||
    pageState.topic !== '' ||
    pageState.group !== '' ||
    pageState.after !== '' ||
    pageState.last !== '1h'
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
        value={pageState.topic}
        onFocus={loadNames}
        onSet={(topic) => set({ topic })}
      />
      <TextFilter
        class="grow"
        label="Consumer group"
        placeholder="Any group"
        listId="message-groups"
        suggestions={names('group')}
        disabled={isNeverConsumed(pageState)}
        maxLength={1024}
        value={isNeverConsumed(pageState) ? '' : pageState.group}
        onFocus={loadNames}
        onSet={(group) => set({ group })}
      />
      {pageState.list === 'unconsumed' && (
        <CheckFilter
          label="Never consumed"
          title="Only messages that no group has consumed"
          checked={pageState.never}
          onSet={(never) => set({ never })}
        />
      )}
      {hasMinDuration(pageState.list) && (
        <DurationFilter
          label={pageState.list === 'late' ? 'Min queue time' : 'Min age'}
          placeholder={pageState.list === 'late' ? '10s' : '1m'}
          value={pageState.after}
          onSet={(after = '') => set({ after })}
        />
      )}
      <RecentRangeFilter value={pageState.last} onSet={(last) => set({ last })} />
    </FilterForm>
  )
}
