import { SeriesQuery, SeriesResponse } from '@spanlink/api-schema'
import type { Store } from '../../clickhouse/store.ts'
import { toSearchedRange } from '../../query/sql/searched-range.ts'
import { parseDuration } from '../../query/sql/time-parameters.ts'
import { parseTimeWindow } from '../../query/sql/time-window.ts'
import { alignToStep } from '../../traceql/metrics/intervals.ts'
import type { Label } from '../../traceql/metrics/labels.ts'
import { executeMetricsQuery } from '../../traceql/metrics/metrics.ts'
import type { Exemplar } from '../../traceql/metrics/series.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

const STEPS = 60n

export function seriesEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/traceql/series',
      role: 'read',
      summary: 'Series of a TraceQL metrics query',
      query: SeriesQuery,
      response: SeriesResponse,
      find: async ({ query, options }) => {
        const window = parseTimeWindow(query)
        const length = window.end - window.start
        const step = query.step === undefined ? (length + STEPS - 1n) / STEPS : parseDuration('step', query.step)
        // With a step but no end, aligns to the step: the last interval is the current one, not a
        // sliver.
        const isOpen = query.end === undefined && query.step !== undefined && step > 0n
        const { start, end } = isOpen ? alignToStep(window, step) : window
        const { exemplars: maxExemplars = 0 } = query
        const { series, lastStep, warnings, scanned } = await executeMetricsQuery(store, query.q, {
          ...options,
          start,
          end,
          step,
          exemplars: maxExemplars,
        })
        return {
          startTimeUnixNano: String(start),
          endTimeUnixNano: String(end),
          stepNano: String(step),
          lastStepNano: lastStep === step ? undefined : String(lastStep),
          series: series.map(({ labels, points, exemplars = [] }) => ({
            labels: Object.entries(labels).map(([key, label]) => toLabel(key, label)),
            points: points.filter(({ value }) => Number.isFinite(value)),
            exemplars: exemplars.length === 0 ? undefined : exemplars.map(toExemplar),
          })),
          warnings: [...warnings],
          ...toSearchedRange({ start, end, hasDefaultEnd: query.end === undefined }, scanned),
        }
      },
    }),
  ]
}

function toLabel(key: string, label: Label | null): SeriesResponse['series'][number]['labels'][number] {
  if (label === null) return { key, value: null }
  return { key, value: label.text, type: label.type === 'string' ? undefined : label.type }
}

function toExemplar({ timeUnixNano, value = 0, traceId, spanId }: Exemplar) {
  return { timeUnixNano, value, traceId, spanId }
}
