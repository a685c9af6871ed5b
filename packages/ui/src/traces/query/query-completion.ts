import type { CompletionResponse } from '@spanlink/api-schema'
import { signal, type ReadonlySignal } from '@preact/signals'
import { getJson } from '../../lib/api.ts'

const TYPING_DELAY_MS = 90

export interface QueryCompletion {
  readonly response: ReadonlySignal<CompletionResponse | undefined>
  /** Requests completions once typing pauses. */
  readonly complete: (text: string, caret: number) => void
  readonly clear: () => void
}

export function createQueryCompletion(): QueryCompletion {
  const response = signal<CompletionResponse | undefined>(undefined)
  let controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const forget = (): void => {
    clearTimeout(timer)
    controller.abort()
    controller = new AbortController()
  }
  return {
    response,
    complete(text, caret) {
      forget()
      const { signal } = controller
      timer = setTimeout(() => {
        const query = new URLSearchParams({ q: text, caret: String(caret) })
        getJson<CompletionResponse>(`api/traceql/complete?${query}`, signal).then(
          (found) => (response.value = found),
          // Completion is optional, so errors are ignored.
          () => undefined,
        )
      }, TYPING_DELAY_MS)
    },
    clear() {
      forget()
      response.value = undefined
    },
  }
}
