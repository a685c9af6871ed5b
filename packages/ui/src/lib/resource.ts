import { signal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { ApiError, getJson } from './api.ts'

/**
 * The state of a request. `data` stays while a newer response is fetched, to avoid a layout shift.
 */
export interface ResourceState<T> {
  readonly data: T | undefined
  /** The path that `data` was loaded from. */
  readonly dataPath: string | undefined
  readonly error: ApiError | undefined
  readonly loading: boolean
}

export interface Resource<T> {
  readonly state: ReadonlySignal<ResourceState<T>>
  /** Aborts a pending request. Resolves when loaded, failed or aborted; never rejects. */
  readonly load: (path: string) => Promise<void>
  readonly stop: () => void
}

/** Loads `path` when it or `news` changes; loads nothing while it is undefined. */
export function useRequest<T>(path: string | undefined, news?: unknown): ResourceState<T> {
  const resource = useMemo(() => createResource<T>(), [])
  useEffect(() => {
    if (path !== undefined) void resource.load(path)
    return () => resource.stop()
  }, [resource, path, news])
  return resource.state.value
}

export function createResource<T>(): Resource<T> {
  const state = signal<ResourceState<T>>({ data: undefined, dataPath: undefined, error: undefined, loading: false })
  let controller = new AbortController()
  return {
    state,
    async load(path) {
      controller.abort()
      const current = new AbortController()
      controller = current
      state.value = { ...state.peek(), loading: true }
      try {
        const data = await getJson<T>(path, current.signal)
        if (!current.signal.aborted) state.value = { data, dataPath: path, error: undefined, loading: false }
      } catch (cause) {
        if (current.signal.aborted) return
        const error = cause instanceof ApiError ? cause : new ApiError(String(cause), 0, cause)
        state.value = { ...state.peek(), error, loading: false }
      }
    },
    stop() {
      controller.abort()
      state.value = { ...state.peek(), loading: false }
    },
  }
}
