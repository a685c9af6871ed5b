import type { MetricType } from '@spanlink/api-schema'

/**
 * Converts an OpenTelemetry metric name to Prometheus: words joined by `_`, then the unit, then
 * `_total` for counters and `_ratio` for gauges without a dimension. Histograms and summaries also
 * have `_bucket`, `_sum` and `_count`.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1
 */
export function prometheusName(metric: {
  readonly name: string
  readonly unit: string
  readonly type: MetricType
  readonly monotonic: boolean
}): string {
  let words = metric.name.split(/[^a-zA-Z0-9:]+/).filter((word) => word !== '')
  for (const word of unitWords(metric.unit)) if (!words.includes(word)) words.push(word)
  if (metric.type === 'sum' && metric.monotonic) words = atEnd(words, 'total')
  if (metric.type === 'gauge' && metric.unit === '1') words = atEnd(words, 'ratio')
  const name = words.join('_')
  return /^[0-9]/.test(name) ? `_${name}` : name
}

function atEnd(words: readonly string[], word: string): string[] {
  return [...words.filter((other) => other !== word), word]
}

/** `By/s` becomes `bytes` and `per_second`. Text in braces is an annotation and is dropped. */
function unitWords(unit: string): readonly string[] {
  const [main = '', per] = unit.replaceAll(/\{[^}]*\}/g, '').split('/', 2)
  const words = [word(units, main)]
  const perWord = per === undefined ? '' : word(perUnits, per)
  if (perWord !== '') words.push(`per_${perWord}`)
  return words.filter((one) => one !== '')
}

function word(known: Readonly<Record<string, string>>, unit: string): string {
  const name = unit.trim()
  const text = Object.hasOwn(known, name) ? known[name] : name
  return (text ?? '').replaceAll(/[^a-zA-Z0-9:]+/g, '_').replaceAll(/^_+|_+$/g, '')
}

/** UCUM units as words. */
const units: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
}

const perUnits: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
}
