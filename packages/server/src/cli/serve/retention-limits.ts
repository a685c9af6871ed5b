import type { Retention } from '../../clickhouse/store.ts'
import { signals } from '../../clickhouse/tables.ts'
import type { ServeOptions } from './serve-options.ts'

/** Fits on a laptop. A ClickHouse server gets no default: its operator decides. */
const EMBEDDED_DEFAULTS = { keepSeconds: 7 * 86_400, maxBytes: 20e9 }

export function resolveRetention({ store, retentionSeconds, maxDiskBytes }: ServeOptions): Required<Retention> {
  const { keepSeconds, maxBytes } =
    store === undefined ? EMBEDDED_DEFAULTS : { keepSeconds: Infinity, maxBytes: Infinity }
  const isForAll = typeof retentionSeconds === 'number'
  const others = isForAll ? retentionSeconds : keepSeconds
  const own = isForAll ? {} : retentionSeconds
  return { keepSeconds: { traces: others, logs: others, metrics: others, ...own }, maxBytes: maxDiskBytes ?? maxBytes }
}

/** Printed at the start. */
export function describeRetention({ keepSeconds, maxBytes }: Required<Retention>): string {
  const age = describeAge(keepSeconds)
  const size = maxBytes === Infinity ? '' : `up to ${Number((maxBytes / 1e9).toPrecision(3))} GB`
  const limits = [age, size].filter((limit) => limit !== '').join(', ')
  if (limits === '') return 'Keeps all data (--retention, --max-disk)'
  return `Keeps ${age === '' ? 'data ' : ''}${limits} (--retention, --max-disk)`
}

/** '' without a limit. */
function describeAge(keepSeconds: Required<Retention>['keepSeconds']): string {
  const ages = signals.map((signal) => [signal, keepSeconds[signal] ?? Infinity] as const)
  const [one = Infinity, ...others] = new Set(ages.map(([, seconds]) => seconds))
  if (others.length === 0) return one === Infinity ? '' : `data for ${describeSeconds(one)}`
  return ages
    .map(([signal, seconds]) => (seconds === Infinity ? `all ${signal}` : `${signal} for ${describeSeconds(seconds)}`))
    .join(', ')
}

function describeSeconds(seconds: number): string {
  const [length, unit] = (
    [
      [86_400, 'day'],
      [3600, 'hour'],
      [60, 'minute'],
      [1, 'second'],
    ] as const
  ).find(([length]) => seconds >= length) ?? [1, 'second']
  const count = Number((seconds / length).toPrecision(3))
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
