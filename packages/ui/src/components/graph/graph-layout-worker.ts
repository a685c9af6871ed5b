import { layoutGraph, type GraphLayoutRequest } from './graph-layout.ts'

// A landscape of 400 topics and services takes seconds to lay out: it must not hold up the page.
addEventListener(
  'message',
  ({ data }: MessageEvent<{ readonly nth: number; readonly request: GraphLayoutRequest }>) => {
    try {
      postMessage({ nth: data.nth, places: layoutGraph(data.request) })
    } catch (error) {
      postMessage({ nth: data.nth, error: String(error) })
    }
  },
)
