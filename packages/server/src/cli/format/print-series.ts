import type { SeriesResponse } from '@spanlink/api-schema'
import { clean, clock, columnsOf, fit, type Terminal } from './terminal.ts'

type Line = SeriesResponse['series'][number]

const BARS = '▁▂▃▄▅▆▇█'

/**
 * Each series in a line: its labels, its course, and its least, mean, most and last value; the
 * largest first.
 */
export function printSeries(answer: SeriesResponse, terminal: Terminal): readonly string[] {
  const sorted = answer.series.toSorted((a, b) => most(b) - most(a))
  const names = sorted.map(nameOf)
  const width = Math.min(Math.floor(terminal.columns / 3), Math.max(6, ...names.map(columnsOf)))
  const numbers = ['MIN', 'MEAN', 'MAX', 'LAST']
  const room = Math.max(8, terminal.columns - width - numbers.length * 10 - 2)
  const span = `${clock(answer.startTimeUnixNano)} to ${clock(answer.endTimeUnixNano)}`
  const head = `${fit('', width)}  ${fit('', room)}${numbers.map((name) => name.padStart(10)).join('')}`
  const lines = sorted.map((line, at) => {
    const values = line.points.map((point) => point.value)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const said = [Math.min(...values), mean, Math.max(...values), values.at(-1) ?? Number.NaN].map(short)
    return `${fit(names[at] ?? '', width)}  ${courseOf(line, answer, room)}${said.map((text) => text.padStart(10)).join('')}`
  })
  return [terminal.paint(`${sorted.length} series`, 'bold'), span, '', terminal.paint(head, 'dim'), ...lines]
}

function nameOf({ labels }: Line): string {
  const said = labels.map(({ key, value }) => `${clean(key)}=${value === null ? 'nil' : clean(value)}`)
  return said.length === 0 ? 'all' : said.join(' ')
}

function most({ points }: Line): number {
  return points.reduce((largest, { value }) => (value > largest ? value : largest), Number.NEGATIVE_INFINITY)
}

/** A bar a column, of the largest value in it; blank where there is none. */
function courseOf(line: Line, { startTimeUnixNano, endTimeUnixNano }: SeriesResponse, width: number): string {
  const [start, end] = [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)]
  const columns = Array.from({ length: width }, (): number | undefined => undefined)
  for (const { timeUnixNano, value } of line.points) {
    const at = Math.min(width - 1, Number(((BigInt(timeUnixNano) - start) * BigInt(width)) / (end - start)))
    columns[at] = Math.max(columns[at] ?? value, value)
  }
  const top = most(line)
  return columns
    .map((value) => {
      if (value === undefined) return ' '
      return BARS[top <= 0 ? 0 : Math.max(0, Math.ceil((value / top) * BARS.length) - 1)] ?? ' '
    })
    .join('')
}

function short(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(4)
}
