import type { TopologyResponse } from '@spanlink/api-schema'
import { useMemo } from 'preact/hooks'
import { createResource } from '../lib/resource.ts'
import { topologyPath } from '../topology/topology-url.ts'
import { hasAfter, isNever, messagesUrl, type MessagesPlace } from './messages-url.ts'
import { LASTS, lastOf } from '../lib/recent-range.ts'
import { push } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'

const DURATION = '\\s*[0-9]+(\\.[0-9]+)?\\s*(ns|us|µs|ms|s|m|h)?\\s*'

export function MessageFilters({ place }: { readonly place: MessagesPlace }) {
  const set = (change: Partial<MessagesPlace>): void => push(messagesUrl({ ...place, limit: 50, ...change }))
  const landscape = useMemo(() => createResource<TopologyResponse>(), [])
  const askNames = (): void => void landscape.load(topologyPath(place, Date.now()))
  const names = (type: 'topic' | 'group'): string[] => [
    ...new Set(landscape.state.value.data?.nodes.flatMap((node) => (node.type === type ? [node.name] : []))),
  ]
  const isFiltered =
    isNever(place) || place.topic !== '' || place.group !== '' || place.after !== '' || place.last !== '1h'
  return (
    <form class="filters" role="search" aria-label="Filter messages" onSubmit={(event) => event.preventDefault()}>
      <label class="grow">
        Topic
        <input
          id="message-topic"
          list="message-topics"
          onFocus={askNames}
          placeholder="Any topic"
          autoComplete="off"
          spellcheck={false}
          maxLength={1024}
          value={place.topic}
          onChange={(event) => set({ topic: event.currentTarget.value.trim() })}
        />
        <Names id="message-topics" names={names('topic')} />
      </label>
      <label class="grow">
        Consumer group
        <input
          list="message-groups"
          onFocus={askNames}
          placeholder="Any group"
          disabled={isNever(place)}
          autoComplete="off"
          spellcheck={false}
          maxLength={1024}
          value={isNever(place) ? '' : place.group}
          onChange={(event) => set({ group: event.currentTarget.value.trim() })}
        />
        <Names id="message-groups" names={names('group')} />
      </label>
      {place.list === 'unconsumed' && (
        <label class="check" title="Only messages that no group has consumed">
          <input
            type="checkbox"
            checked={place.never}
            onChange={(event) => set({ never: event.currentTarget.checked })}
          />
          Never consumed
        </label>
      )}
      {hasAfter(place.list) && (
        <label class="duration">
          {place.list === 'late' ? 'Min queue time' : 'Age over'}
          <input
            placeholder={place.list === 'late' ? '10s' : '1m'}
            autoComplete="off"
            pattern={DURATION}
            title="A number with a unit: ns, us, ms, s, m or h. Without one: milliseconds."
            value={place.after}
            onChange={(event) => {
              if (event.currentTarget.reportValidity()) set({ after: event.currentTarget.value.trim() })
            }}
          />
        </label>
      )}
      <label>
        Time
        <select value={place.last} onChange={(event) => set({ last: lastOf(event.currentTarget.value) })}>
          {LASTS.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="clear"
        disabled={!isFiltered}
        title="Clear all filters"
        onClick={() => set({ topic: '', group: '', never: false, after: '', last: '1h' })}
      >
        <Icon name="close" />
        Clear
      </button>
    </form>
  )
}

/**
 * What one may type, of the topology of the same time. A name longer than any of Kafka's was made
 * to be looked at, not to be chosen.
 */
function Names({ id, names }: { readonly id: string; readonly names: readonly string[] }) {
  return (
    <datalist id={id}>
      {names
        .filter((name) => name.length <= 249)
        .slice(0, 500)
        .map((name) => (
          <option key={name} value={name} />
        ))}
    </datalist>
  )
}
