import {
  describe,
  type Exemplar,
  type MetricSeriesResponse,
  type MetricsResponse,
  MetricType,
  type SeriesResponse,
} from '@spanlink/api-schema'
import { Type } from 'typebox'
import { durationArgument, nameArgument } from '../input/shared.ts'
import { resolveWindow, timeArguments, type TimeWindow } from '../input/time-window.ts'
import type { Answer } from '../text/answer.ts'
import { formatCount, formatDuration, formatTime, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatSearched } from '../text/searched.ts'
import { formatSeries, type SeriesSummary, summarizeSeries } from '../text/series.ts'
import { defineTool, type ToolContext } from '../tool.ts'
import { ToolError } from '../tool-error.ts'

const MAX_METRICS = 200
const MAX_EXEMPLARS = 10

const Filter = Type.String({ minLength: 1, maxLength: 1024 })

export const queryMetrics = defineTool({
  name: 'query_metrics',
  title: 'Query metrics',
  description:
    'Without name and query: lists metrics. With name: min, average, max and last value of each series, and exemplar traces. With query: the same of a TraceQL metrics query over spans, such as { status = error } | rate() by (resource.service.name).',
  arguments: {
    find: nameArgument('Part of the names to list.'),
    name: nameArgument('OpenTelemetry or Prometheus name of the metric.', 1024),
    query: nameArgument('TraceQL metrics query over spans, instead of name.', 4096),
    service: nameArgument('Service name, exact. Not with query.'),
    type: Type.Optional(describe('Selects one of several metrics with the same name.', MetricType)),
    filter: Type.Optional(
      Type.Array(Filter, { maxItems: 8, description: 'Only series with these labels: ["topic=orders"].' }),
    ),
    groupBy: Type.Optional(
      Type.Array(Filter, {
        maxItems: 8,
        description: 'Labels to group by; ["*"] lists every series. Default: one series.',
      }),
    ),
    step: durationArgument('Length of an interval: "1m".'),
    ...timeArguments,
  },
  run: async (args, context) => {
    const { name, query } = args
    if (name !== undefined && query !== undefined) throw new ToolError('Give name or query, not both.')
    if (name === undefined && query === undefined) return await listMetrics(args, context)
    const window = resolveWindow(args, context.nowMs)
    if (name !== undefined) return await summarizeMetric({ ...args, name }, window, context)
    return await summarizeQuery({ q: query, step: args.step }, window, context)
  },
})

type MetricArguments = {
  readonly name: string
  readonly service?: string
  readonly type?: MetricType
  readonly filter?: readonly string[]
  readonly groupBy?: readonly string[]
  readonly step?: string
}

async function listMetrics(
  { find, service }: { readonly find?: string; readonly service?: string },
  { read, pageUrl }: ToolContext,
): Promise<Answer> {
  const { metrics, truncated } = await read<MetricsResponse>('/api/metrics', { q: find, service, limit: MAX_METRICS })
  return {
    headline:
      metrics.length === 0
        ? 'No metric matches.'
        : `${formatCount(metrics.length, 'metric')}${truncated ? ', and more: give find or service' : ''}.`,
    lines: metrics.map(({ name, type, unit, services, seriesCount, description }) =>
      joinFacts([
        `${quote(name)} ${type}`,
        unit !== '' && `unit ${quote(unit, 40)}`,
        `${seriesCount.toLocaleString('en')} series`,
        `services ${services
          .slice(0, 5)
          .map((service) => quote(service, 60))
          .join(' ')}${services.length > 5 ? ` and ${services.length - 5} more` : ''}`,
        description !== '' && quote(description),
      ]),
    ),
    footer: [
      'Metrics are listed for the whole retention.',
      `Page: ${pageUrl('metrics')}`,
      ...(metrics[0] === undefined ? [] : ['Next: query_metrics with name, and groupBy ["*"] for every series.']),
    ],
    narrow: 'give find or service',
  }
}

async function summarizeMetric(args: MetricArguments, window: TimeWindow, context: ToolContext): Promise<Answer> {
  const { name, service, type, filter, groupBy, step } = args
  const { start, end, last } = window
  const query = { name, service, type, filter, groupBy, step, start, end }
  const found = await context.read<MetricSeriesResponse>('/api/metrics/series', query)
  const { series, exemplars, unit, variants } = found
  const what =
    found.view === null ? (found.rate ? 'rate per second' : 'value') : `${found.view}${found.rate ? ' per second' : ''}`
  const rows = series.map(({ labels, values }) =>
    summarizeSeries(
      labels,
      values.map((value, step) => ({ value, timeUnixNano: findTime(found, step) })),
    ),
  )
  return {
    headline: formatHeadline(`metric ${quote(name)}`, rows),
    lines: [
      `${found.type}, ${what}, unit ${quote(unit, 40)}, steps of ${formatDuration(found.stepNano)}${found.description === '' ? '' : `: ${quote(found.description)}`}`,
      ...(variants.length > 1
        ? [
            `Other metrics of this name: ${variants
              .slice(1)
              .map((one) => one.type)
              .join(', ')} (argument type).`,
          ]
        : []),
      ...formatSeries(rows),
      ...formatExemplars(exemplars),
    ],
    footer: [
      `Searched ${formatTime(start)} to ${formatTime(end)}${found.truncated ? '. PARTIAL: a limit was reached; filter, group or shorten the range.' : ', completely.'}`,
      `Page: ${context.pageUrl('metrics', { name, service, type, last })}`,
      ...suggestTrace(exemplars),
    ],
    narrow: 'give filter or fewer labels in groupBy',
  }
}

/** End of the step. */
function findTime({ startTimeUnixNano, stepNano }: MetricSeriesResponse, step: number): string {
  return String(BigInt(startTimeUnixNano) + BigInt(stepNano) * BigInt(step + 1))
}

async function summarizeQuery(
  query: { readonly q: string | undefined; readonly step: string | undefined },
  { start, end, last }: TimeWindow,
  context: ToolContext,
): Promise<Answer> {
  const found = await context.read<SeriesResponse>('/api/traceql/series', {
    ...query,
    start,
    end,
    exemplars: MAX_EXEMPLARS,
  })
  const rows = found.series.map(({ labels, points }) =>
    summarizeSeries(
      labels.map(({ key, value }) => ({ key, value: value ?? 'none' })),
      points,
    ),
  )
  const exemplars = found.series.flatMap((one) => one.exemplars ?? [])
  return {
    headline: formatHeadline('the query', rows),
    lines: [
      `Query: ${quote(query.q ?? '', 900)}, steps of ${formatDuration(found.stepNano)}`,
      ...formatSeries(rows),
      ...formatExemplars(exemplars),
    ],
    footer: [
      formatSearched(found),
      ...found.warnings.slice(0, 2).map((warning) => `Note: ${warning}`),
      `Page: ${context.pageUrl('', { q: query.q, ...(last === undefined ? { start, end } : { last }) })}`,
      ...suggestTrace(exemplars),
    ],
    narrow: 'group by fewer fields, or add | topk(5)',
  }
}

function formatHeadline(what: string, rows: readonly SeriesSummary[]): string {
  const withData = rows.filter(({ count }) => count > 0)
  const [top] = withData.toSorted((a, b) => b.max - a.max)
  if (top === undefined) return `No data of ${what} in this range.`
  const facts = joinFacts([
    `average ${top.average}`,
    `maximum ${top.max} at ${formatTime(top.maxTimeUnixNano)}`,
    `last ${top.last}`,
  ])
  return withData.length === 1
    ? `One series of ${what}: ${facts}.`
    : `${withData.length} series of ${what}; the highest is ${top.label}: ${facts}.`
}

type Example = Pick<Exemplar, 'timeUnixNano' | 'value' | 'traceId' | 'spanId'>

function formatExemplars(exemplars: readonly Example[]): readonly string[] {
  const highest = sortTraced(exemplars).slice(0, MAX_EXEMPLARS)
  if (highest.length === 0) return []
  return [
    'Exemplars, highest first:',
    ...highest.map(
      ({ value, timeUnixNano, traceId, spanId }) =>
        `  ${Number(Number(value).toPrecision(4))} at ${formatTime(timeUnixNano)}, trace ${traceId}${spanId === '' ? '' : ` span ${spanId}`}`,
    ),
  ]
}

function suggestTrace(exemplars: readonly Example[]): readonly string[] {
  const [highest] = sortTraced(exemplars)
  return highest === undefined ? [] : [`Next: get_flow with traceId "${highest.traceId}", the highest exemplar.`]
}

function sortTraced(exemplars: readonly Example[]): readonly Example[] {
  return exemplars.filter(({ traceId }) => traceId !== '').sort((a, b) => Number(b.value) - Number(a.value))
}
