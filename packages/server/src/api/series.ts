import { SeriesAnswer, SeriesQuery } from '@spanlink/contract'
import { timeWindow } from '../query/messaging/time-window.ts'
import { parseDuration } from '../query/time-parameters.ts'
import { aligned } from '../query/traceql/intervals.ts'
import { metricsTraceQL } from '../query/traceql/metrics.ts'
import type { Store } from '../store/store.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

const STEPS = 60n

export function seriesEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/traceql/series',
      summary: 'Series of a TraceQL metrics query',
      query: SeriesQuery,
      answer: SeriesAnswer,
      handle: async ({ query, signal }) => {
        const asked = timeWindow(query)
        const length = asked.end - asked.start
        const step = query.step === undefined ? (length + STEPS - 1n) / STEPS : parseDuration('step', query.step)
        // Until now, in steps that were asked for: the last interval is the one in the making, not a sliver.
        const isOpen = query.end === undefined && query.step !== undefined && step > 0n
        const { start, end } = isOpen ? aligned(asked, step) : asked
        const { series, cuts } = await metricsTraceQL(store, query.q, { start, end, step, signal })
        const body = {
          startTimeUnixNano: String(start),
          endTimeUnixNano: String(end),
          stepNano: String(step),
          series: series.map(({ labels, points }) => ({
            labels: Object.entries(labels).map(([key, value]) => ({ key, value })),
            points: points.filter(({ value }) => Number.isFinite(value)),
          })),
          cuts: [...cuts],
        }
        return { status: 200, body }
      },
    }),
  ]
}
