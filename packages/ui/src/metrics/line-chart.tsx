import type { Exemplar, MetricSeriesResponse } from '@spanlink/api-schema'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { readPalette } from '../lib/canvas/palette.ts'
import { formatTime } from '../lib/format/time.ts'
import { finite, formatMetricValue, seriesName } from './metric-text.ts'
import { seriesStyle } from './series-style.ts'
import { stepTimes } from './metrics-url.ts'
import { traceUrl } from '../app/route.ts'
import { effectiveTheme } from '../app/theme.ts'
import { push } from '../lib/url.ts'
import { useWidth } from '../components/tree/use-size.ts'

const HEIGHT = 340
const DOT = 4
const NEAR = 9

interface Dot {
  readonly x: number
  readonly y: number
  readonly exemplar: Exemplar
}

/** Lines over time; dots are exemplars, each a link to its trace. */
export function LineChart({ response }: { readonly response: MetricSeriesResponse }) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  useEffect(() => {
    const element = box.current
    if (element === null || width.value === 0) return undefined
    const names = response.series.map((series) => seriesName(series, response))
    const palette = readPalette([])
    const lightness = effectiveTheme.value === 'dark' ? 0.76 : 0.6
    let dots: Dot[] = []
    const text = (value: number): string => formatMetricValue(value, response.unit, response.rate)
    const font = `11px ${palette.font}`
    const plot = new uPlot(
      {
        width: width.value,
        height: HEIGHT,
        legend: {
          live: true,
          markers: { width: 3, dash: (_: uPlot, index: number) => seriesStyle(index - 1).border },
        },
        cursor: { drag: { x: false, y: false } },
        series: [
          { label: 'Time', value: (_: uPlot, at: number | null) => (at === null ? '–' : formatClock(at)) },
          ...names.map((label, index) => ({
            label,
            stroke: `oklch(${lightness} 0.14 ${seriesStyle(index).hue})`,
            dash: [...seriesStyle(index).dash],
            width: 1.5,
            spanGaps: false,
            points: { show: response.series[0]?.values.filter((value) => value !== null).length === 1 },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : text(value)),
          })),
        ],
        axes: [
          {
            stroke: palette.muted,
            font,
            grid: { stroke: palette.grid, width: 1 },
            ticks: { stroke: palette.grid },
            values: (_: uPlot, times: number[]) => times.map((at) => formatClock(at).slice(0, 5)),
          },
          {
            stroke: palette.muted,
            font,
            grid: { stroke: palette.grid, width: 1 },
            ticks: { stroke: palette.grid },
            size: 74,
            values: (_: uPlot, values: number[]) => values.map(text),
          },
        ],
        hooks: {
          draw: [
            (u) => {
              dots = placeDots(u, response)
              paintDots(u, dots, palette.event, palette.row)
            },
          ],
        },
      },
      [stepTimes(response), ...response.series.map(({ values }) => values.map(finite))],
      element,
    )
    const near = (event: MouseEvent): Dot | undefined => {
      const edge = plot.over.getBoundingClientRect()
      const [x, y] = [event.clientX - edge.left, event.clientY - edge.top]
      return dots.find((dot) => Math.hypot(dot.x - x, dot.y - y) <= NEAR)
    }
    plot.over.addEventListener('mousemove', (event) => {
      const dot = near(event)
      plot.over.style.cursor = dot === undefined ? '' : 'pointer'
      plot.over.title =
        dot === undefined ? '' : `${dot.exemplar.service}: ${formatExemplar(dot.exemplar, text)}. Open its trace`
    })
    plot.over.addEventListener('click', (event) => {
      const dot = near(event)
      if (dot !== undefined && dot.exemplar.traceId !== '') push(traceUrl(dot.exemplar.traceId, dot.exemplar.spanId))
    })
    return () => plot.destroy()
  }, [response, width.value, effectiveTheme.value])
  return (
    <div
      class="chart"
      ref={box}
      style={{ minHeight: `${HEIGHT}px` }}
      role="img"
      aria-label={`${response.name} over time`}
    />
  )
}

function formatClock(seconds: number): string {
  return formatTime(`${Math.round(seconds * 1000)}000000`).slice(11, 19)
}

export function formatExemplar({ value }: Exemplar, text: (value: number) => string): string {
  return typeof value === 'number' ? text(value) : value
}

function placeDots(u: uPlot, { exemplars }: MetricSeriesResponse): Dot[] {
  return exemplars.flatMap((exemplar) => {
    const at = Number(BigInt(exemplar.timeUnixNano) / 1_000_000n) / 1000
    const value = finite(exemplar.value)
    if (value === null || exemplar.traceId === '') return []
    const top = u.scales['y']?.max ?? value
    const bottom = u.scales['y']?.min ?? value
    // Exemplars outside the scale are drawn at its edge, for example the raw values of a rate.
    const x = u.valToPos(at, 'x')
    const y = u.valToPos(Math.min(top, Math.max(bottom, value)), 'y')
    return Number.isFinite(x) && Number.isFinite(y) ? [{ x, y, exemplar }] : []
  })
}

function paintDots(u: uPlot, dots: readonly Dot[], fill: string, edge: string): void {
  const { ctx } = u
  const ratio = devicePixelRatio
  ctx.save()
  for (const { x, y } of dots) {
    ctx.beginPath()
    ctx.arc(u.bbox.left + x * ratio, u.bbox.top + y * ratio, DOT * ratio, 0, Math.PI * 2)
    ctx.fillStyle = fill
    ctx.fill()
    ctx.lineWidth = 1.5 * ratio
    ctx.strokeStyle = edge
    ctx.stroke()
  }
  ctx.restore()
}
