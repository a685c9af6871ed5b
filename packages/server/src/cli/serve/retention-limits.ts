import type { Retention } from '../../clickhouse/store.ts'
import type { ServeOptions } from './serve-options.ts'

/** Fits on a laptop. A ClickHouse server gets no default: its operator decides. */
const EMBEDDED_DEFAULTS = { keepSeconds: 7 * 86_400, maxBytes: 20e9 }

export function resolveRetention({ store, retentionSeconds, maxDiskBytes }: ServeOptions): Required<Retention> {
  const { keepSeconds, maxBytes } =
    store === undefined ? EMBEDDED_DEFAULTS : { keepSeconds: Infinity, maxBytes: Infinity }
  return { keepSeconds: retentionSeconds ?? keepSeconds, maxBytes: maxDiskBytes ?? maxBytes }
}

/** Printed at the start. */
export function describeRetention({ keepSeconds, maxBytes }: Required<Retention>): string {
  const age = keepSeconds === Infinity ? '' : `for ${describeSeconds(keepSeconds)}`
  const size = maxBytes === Infinity ? '' : `up to ${Number((maxBytes / 1e9).toPrecision(3))} GB`
  const limits = [age, size].filter((limit) => limit !== '')
  if (limits.length === 0) return 'Keeps all data (--retention, --max-disk)'
  return `Keeps data ${limits.join(', ')} (--retention, --max-disk)`
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
