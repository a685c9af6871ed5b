import { layoutGraph, type GraphLayoutRequest } from './graph-layout.ts'

// Laying out 400 topics and services takes seconds and must not block the page.
addEventListener(
  'message',
  ({ data }: MessageEvent<{ readonly nth: number; readonly request: GraphLayoutRequest }>) => {
    try {
      postMessage({ nth: data.nth, layout: layoutGraph(data.request) })
    } catch (error) {
      postMessage({ nth: data.nth, error: String(error) })
    }
  },
)
