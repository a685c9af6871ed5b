import { signal, type ReadonlySignal } from '@preact/signals'
import { ApiError, getJson } from './api.ts'

const PAGE = '100'

interface Paged {
  readonly nextCursor?: string
}

/**
 * The pages of a list after its first, loaded on request. While any are loaded, the first page is
 * not reloaded, so that rows do not move.
 */
export interface OlderPages<T extends Paged> {
  readonly pages: ReadonlySignal<readonly T[]>
  readonly loading: ReadonlySignal<boolean>
  readonly error: ReadonlySignal<ApiError | undefined>
  /** Cursor after the last loaded page; undefined if there are no more. */
  readonly nextCursor: (first: T) => string | undefined
  /** `path` is the request of the first page. Resolves to true once the next page is loaded. */
  readonly load: (path: string, first: T) => Promise<boolean>
  readonly clear: () => void
}

export function createOlderPages<T extends Paged>(): OlderPages<T> {
  const pages = signal<readonly T[]>([])
  const loading = signal(false)
  const error = signal<ApiError | undefined>(undefined)
  let leaving = new AbortController()
  const nextCursor = (first: T): string | undefined => (pages.value.at(-1) ?? first).nextCursor
  return {
    pages,
    loading,
    error,
    nextCursor,
    async load(path, first) {
      const cursor = nextCursor(first)
      if (cursor === undefined || loading.peek()) return false
      const { signal } = leaving
      loading.value = true
      error.value = undefined
      try {
        const page = await getJson<T>(toPagePath(path, cursor), signal)
        if (signal.aborted) return false
        pages.value = [...pages.peek(), page]
        loading.value = false
        return true
      } catch (cause) {
        if (signal.aborted) return false
        error.value = cause instanceof ApiError ? cause : new ApiError(String(cause), 0, cause)
        loading.value = false
        return false
      }
    },
    clear() {
      leaving.abort()
      leaving = new AbortController()
      pages.value = []
      loading.value = false
      error.value = undefined
    },
  }
}

/**
 * A list's query without its length. The length is in the URL, so that coming back loads as many
 * rows.
 */
export function removeLimit(query: URLSearchParams): string {
  const filters = new URLSearchParams(query)
  filters.delete('limit')
  return filters.toString()
}

function toPagePath(path: string, cursor: string): string {
  const [of, search] = path.split('?')
  const params = new URLSearchParams(search)
  params.set('limit', PAGE)
  params.set('cursor', cursor)
  return `${of}?${params}`
}
