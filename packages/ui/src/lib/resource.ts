import { signal, type ReadonlySignal } from '@preact/signals'
import { ApiError, getJson } from './api.ts'

/**
 * What is known of one question to the API. `data` stays while a newer response is fetched, so
 * nothing on screen jumps.
 */
interface ResourceState<T> {
  readonly data: T | undefined
  /** The path that `data` was loaded from. */
  readonly dataPath: string | undefined
  readonly error: ApiError | undefined
  readonly loading: boolean
}

export interface Resource<T> {
  readonly state: ReadonlySignal<ResourceState<T>>
  /**
   * Asks, and forgets a question still under way. Resolves when answered, failed or overtaken;
   * never rejects.
   */
  readonly load: (path: string) => Promise<void>
  readonly stop: () => void
}

export function createResource<T>(): Resource<T> {
  const state = signal<ResourceState<T>>({ data: undefined, dataPath: undefined, error: undefined, loading: false })
  let asking = new AbortController()
  return {
    state,
    async load(path) {
      asking.abort()
      const mine = new AbortController()
      asking = mine
      state.value = { ...state.peek(), loading: true }
      try {
        const data = await getJson<T>(path, mine.signal)
        if (!mine.signal.aborted) state.value = { data, dataPath: path, error: undefined, loading: false }
      } catch (cause) {
        if (mine.signal.aborted) return
        const error = cause instanceof ApiError ? cause : new ApiError(String(cause), 0, cause)
        state.value = { ...state.peek(), error, loading: false }
      }
    },
    stop() {
      asking.abort()
      state.value = { ...state.peek(), loading: false }
    },
  }
}
