import type { OlderPages } from '../../lib/older-pages.ts'
import { Icon } from '../buttons/icon.tsx'

/** The end of a list with further pages. `path` is the request of the first page. */
export function LoadMore<T extends { readonly nextCursor?: string }>(props: {
  readonly older: OlderPages<T>
  readonly path: string
  readonly first: T
  readonly words: string
  readonly onLoaded?: () => void
}) {
  const { older, path, first } = props
  if (older.nextCursor(first) === undefined) return null
  const error = older.error.value
  const load = async (): Promise<void> => {
    if (await older.load(path, first)) props.onLoaded?.()
  }
  return (
    <p class="more">
      <button type="button" aria-busy={older.loading.value} onClick={() => void load()}>
        {older.loading.value ? 'Loading…' : error === undefined ? props.words : 'Try again'}
      </button>
      {error !== undefined && (
        <span class="stale" role="alert">
          <Icon name="warning" /> {error.message}
        </span>
      )}
    </p>
  )
}
