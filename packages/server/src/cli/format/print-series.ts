import type { SeriesResponse } from '@spanlink/api-schema'
import { formatTime, measureWidth, fitToWidth, type Terminal } from './terminal.ts'
import { sanitize } from '../../sanitize.ts'

type Line = SeriesResponse['series'][number]

const BARS = '▁▂▃▄▅▆▇█'

/** One line a series: labels, bars, and minimum, mean, maximum and last value; largest first. */
export function printSeries(response: SeriesResponse, terminal: Terminal): readonly string[] {
  const sorted = response.series.toSorted((a, b) => maxValue(b) - maxValue(a))
  const names = sorted.map(formatLabels)
  const width = Math.min(Math.floor(terminal.columns / 3), Math.max(6, ...names.map(measureWidth)))
  const numbers = ['MIN', 'MEAN', 'MAX', 'LAST']
  const room = Math.max(8, terminal.columns - width - numbers.length * 10 - 2)
  const span = `${formatTime(response.startTimeUnixNano)} to ${formatTime(response.endTimeUnixNano)}`
  const head = `${fitToWidth('', width)}  ${fitToWidth('', room)}${numbers.map((name) => name.padStart(10)).join('')}`
  const lines = sorted.map((line, at) => {
    const values = line.points.map((point) => point.value)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const cells = [Math.min(...values), mean, Math.max(...values), values.at(-1) ?? Number.NaN].map(formatNumber)
    return `${fitToWidth(names[at] ?? '', width)}  ${drawBars(line, response, room)}${cells.map((text) => text.padStart(10)).join('')}`
  })
  return [terminal.paint(`${sorted.length} series`, 'bold'), span, '', terminal.paint(head, 'dim'), ...lines]
}

function formatLabels({ labels }: Line): string {
  const pairs = labels.map(({ key, value }) => `${sanitize(key)}=${value === null ? 'nil' : sanitize(value)}`)
  return pairs.length === 0 ? 'all' : pairs.join(' ')
}

function maxValue({ points }: Line): number {
  return points.reduce((largest, { value }) => (value > largest ? value : largest), Number.NEGATIVE_INFINITY)
}

/** One bar a column for its largest value; blank for none. */
function drawBars(line: Line, { startTimeUnixNano, endTimeUnixNano }: SeriesResponse, width: number): string {
  const [start, end] = [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)]
  const columns = Array.from({ length: width }, (): number | undefined => undefined)
  for (const { timeUnixNano, value } of line.points) {
    const at = Math.min(width - 1, Number(((BigInt(timeUnixNano) - start) * BigInt(width)) / (end - start)))
    columns[at] = Math.max(columns[at] ?? value, value)
  }
  const top = maxValue(line)
  return columns
    .map((value) => {
      if (value === undefined) return ' '
      return BARS[top <= 0 ? 0 : Math.max(0, Math.ceil((value / top) * BARS.length) - 1)] ?? ' '
    })
    .join('')
}

function formatNumber(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(4)
}
