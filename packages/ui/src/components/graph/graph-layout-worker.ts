import { layOutGraph, type GraphQuestion } from './graph-layout.ts'

// A landscape of 400 topics and services takes seconds to lay out: it must not hold up the page.
addEventListener('message', ({ data }: MessageEvent<{ readonly nth: number; readonly question: GraphQuestion }>) => {
  try {
    postMessage({ nth: data.nth, places: layOutGraph(data.question) })
  } catch (error) {
    postMessage({ nth: data.nth, error: String(error) })
  }
})
