import type { launchBrowser } from '@spanlink/testkit/browser'

type Browser = Awaited<ReturnType<typeof launchBrowser>>
type Page = Awaited<ReturnType<Browser['newPage']>>

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  /** CPU time of the thread in microseconds, without time spent in other threads. */
  readonly tdur?: number
}

/**
 * CPU time of the page's main thread per frame drawn during `run`, in milliseconds: script, style,
 * layout, paint and commit.
 */
export async function frameCpu<T>(browser: Browser, page: Page, run: () => Promise<T>): Promise<[T, number[]]> {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', 'cc'] })
  const result = await run()
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { readonly traceEvents: readonly TraceEvent[] }
  return [result, cpuByFrame(trace.traceEvents)]
}

function cpuByFrame(events: readonly TraceEvent[]): number[] {
  const begins = events.filter(({ name, ph }) => name === 'ProxyMain::BeginMainFrame' && ph === 'X')
  const threads = Map.groupBy(begins, ({ pid, tid }) => `${pid} ${tid}`)
  const [thread = ''] = [...threads].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? []
  const starts = (threads.get(thread) ?? []).map(({ ts }) => ts).toSorted((a, b) => a - b)
  const tasks = events
    .filter(({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && `${pid} ${tid}` === thread)
    .toSorted((a, b) => a.ts - b.ts)
  const frames: number[] = []
  let next = 0
  for (const { ts, dur = 0, tdur = 0 } of tasks) {
    // A frame lasts from the task in which it begins to the task in which the next one begins.
    while (next < starts.length && (starts[next] ?? 0) <= ts + dur) {
      frames.push(0)
      next += 1
    }
    if (frames.length > 0) frames[frames.length - 1] = (frames.at(-1) ?? 0) + tdur / 1000
  }
  // The first and last frames are incomplete.
  return frames.slice(5, -1)
}
