import type { SearchedRange } from '@spanlink/api-schema'
import type { Signal } from '@preact/signals'
import type { ApiError } from '../../lib/api.ts'
import { formatSearchedRange } from '../../lib/searched-range.ts'
import { Icon } from '../buttons/icon.tsx'
import type { HeldList } from './use-held-list.ts'

/**
 * The time range that a list covers. Load older at its end searches the rest. `requestedEnd` is the
 * requested end, for lists that exclude items below a minimum age.
 */
export function SearchedRangeText(props: { readonly range: SearchedRange; readonly requestedEnd?: string }) {
  const { range } = props
  const text = formatSearchedRange(range.searched, props.requestedEnd)
  if (range.missingParts) return <span class="faint searched"> · {text}, parts of it cannot be read</span>
  return <span class="faint searched"> · {range.complete ? text : `searched ${text} so far`}</span>
}

/** Shows rows that arrived while the list was held. Outside the list, so that it moves no row. */
export function NewRowsButton({ list }: { readonly list: Pick<HeldList<unknown>, 'newCount' | 'showNew'> }) {
  return (
    <span role="status">
      {list.newCount > 0 && (
        <button type="button" class="new-rows" title="Show new rows at the top" onClick={list.showNew}>
          {list.newCount.toLocaleString('en')} new
        </button>
      )}
    </span>
  )
}

/** Shown beside data that could not be refreshed. */
export function RefreshError({ error }: { readonly error: Pick<ApiError, 'message'> | undefined }) {
  if (error === undefined) return null
  return (
    <p class="stale" role="status">
      <Icon name="warning" /> Not refreshing: {error.message}
    </p>
  )
}

/** Shows whether the list updates live, and pauses or resumes it. */
export function LiveButton({ paused, title }: { readonly paused: Signal<boolean>; readonly title: string }) {
  const isPaused = paused.value
  return (
    <button
      type="button"
      class="live"
      aria-pressed={!isPaused}
      title={title}
      onClick={() => (paused.value = !paused.peek())}
    >
      <i class={`lamp ${isPaused ? '' : 'on'}`} />
      {isPaused ? 'Paused' : 'Live'}
      <Icon name={isPaused ? 'play' : 'pause'} />
    </button>
  )
}
