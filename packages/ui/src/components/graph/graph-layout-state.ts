import { signal, type ReadonlySignal } from '@preact/signals'
import type { GraphLayoutResult, GraphLayoutRequest } from './graph-layout.ts'

interface LayoutState {
  readonly layout: GraphLayoutResult | undefined
  readonly error: string | undefined
  readonly busy: boolean
}

export interface GraphLayout {
  /** `layout` keeps its value until the next layout is ready. */
  readonly state: ReadonlySignal<LayoutState>
  readonly compute: (request: GraphLayoutRequest) => void
  readonly stop: () => void
}

/** Lays out graphs in a worker. A new request terminates the worker of an unfinished one. */
export function createGraphLayout(): GraphLayout {
  const state = signal<LayoutState>({ layout: undefined, error: undefined, busy: false })
  let worker: Worker | undefined
  let nth = 0
  const start = (): Worker => {
    const made = new Worker(new URL('./graph-layout-worker.ts', import.meta.url), { type: 'module' })
    made.addEventListener(
      'message',
      ({ data }: MessageEvent<{ nth: number; layout?: GraphLayoutResult; error?: string }>) => {
        if (data.nth !== nth) return
        state.value = { ...state.peek(), layout: data.layout ?? state.peek().layout, error: data.error, busy: false }
      },
    )
    made.addEventListener('error', (event) => {
      state.value = { ...state.peek(), error: event.message || 'the layout script did not load', busy: false }
    })
    return made
  }
  const stop = (): void => {
    worker?.terminate()
    worker = undefined
  }
  return {
    state,
    compute(request) {
      if (state.peek().busy) stop()
      worker ??= start()
      nth += 1
      state.value = { ...state.peek(), error: undefined, busy: true }
      // The empty transfer list selects the worker overload of `postMessage`, without a target
      // origin.
      worker.postMessage({ nth, request }, [])
    },
    stop,
  }
}
