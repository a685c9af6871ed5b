import { createMetrics } from './metrics.ts'
import type { DemoLog, DemoSpan, MetricPoint } from './otlp.ts'
import type { Story } from './order.ts'
import { type Highlight, openShop } from './shop.ts'

export type Telemetry = {
  readonly spans: readonly DemoSpan[]
  readonly logs: readonly DemoLog[]
  readonly points: readonly MetricPoint[]
}

export type Simulation = {
  /** Everything that has ended since the last call, up to a time in ms since the epoch. */
  readonly advance: (toMs: number) => Telemetry
  /** The latest order of a story that has ended. */
  readonly findHighlight: (story: Story, nowMs: number) => Highlight | undefined
}

export type SimulationOptions = {
  readonly startMs: number
  readonly rate: number
  readonly stuckMs: number
  readonly seed?: number
}

const METRIC_INTERVAL_MS = 15_000

/**
 * The shop with a clock: consumers work later than producers send, so spans wait here until they
 * have ended. Nothing is ever exported before its time.
 */
export function startSimulation(options: SimulationOptions): Simulation {
  let pending: { readonly timeMs: number; readonly item: { readonly span: DemoSpan } | { readonly log: DemoLog } }[] =
    []
  const metrics = createMetrics(options.startMs)
  const shop = openShop({
    ...options,
    record: (item) => pending.push({ item, timeMs: 'span' in item ? item.span.endMs : item.log.timeMs }),
  })
  let collectMs = options.startMs + METRIC_INTERVAL_MS

  const take = (toMs: number, spans: DemoSpan[], logs: DemoLog[]): void => {
    shop.run(toMs)
    const due = pending.filter(({ timeMs }) => timeMs <= toMs).toSorted((a, b) => a.timeMs - b.timeMs)
    pending = pending.filter(({ timeMs }) => timeMs > toMs)
    for (const { item } of due) {
      if ('log' in item) logs.push(item.log)
      else {
        spans.push(item.span)
        metrics.add(item.span)
      }
    }
  }

  return {
    advance: (toMs) => {
      const [spans, logs, points]: [DemoSpan[], DemoLog[], MetricPoint[]] = [[], [], []]
      for (; collectMs <= toMs; collectMs += METRIC_INTERVAL_MS) {
        take(collectMs, spans, logs)
        points.push(...metrics.collect(collectMs))
      }
      take(toMs, spans, logs)
      return { spans, logs, points }
    },
    findHighlight: (story, nowMs) => shop.highlights().findLast((one) => one.story === story && one.endMs < nowMs),
  }
}
