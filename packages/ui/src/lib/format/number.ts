/** A common unit for rates that are shown side by side. */
export interface RateUnit {
  readonly name: '/s' | '/min' | '/h'
  readonly perSecond: number
}

const UNITS: readonly RateUnit[] = [
  { name: '/s', perSecond: 1 },
  { name: '/min', perSecond: 60 },
  { name: '/h', perSecond: 3600 },
]

/** The largest unit in which the highest rate is at least one. */
export function rateUnit(ratesPerSecond: readonly number[]): RateUnit {
  const highest = ratesPerSecond.reduce((max, one) => Math.max(max, one), 0)
  return UNITS.find(({ perSecond }) => highest * perSecond >= 1) ?? { name: '/h', perSecond: 3600 }
}

/** `3.4`, `0.02`, `1,204`: the rate in its unit, without the unit. */
export function formatRateNumber(perSecond: number, unit: RateUnit): string {
  const value = perSecond * unit.perSecond
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value > 0 && value < 0.01 ? '<0.01' : String(Number(value.toFixed(value < 1 ? 2 : 1)))
}

/** `3.4/min`. */
export function formatRate(perSecond: number, unit: RateUnit): string {
  return `${formatRateNumber(perSecond, unit)}${unit.name}`
}

/** `0%`, `<0.1%`, `2.5%`, `40%`. */
export function formatPercent(share: number): string {
  if (share === 0) return '0%'
  const percent = share * 100
  if (percent < 0.1) return '<0.1%'
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toFixed(1))}%`
}

/** `1 span`, `1,204 spans`. */
export function formatCountOf(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** `7`, `1,204`, `43.2k`, `1.3M`. */
export function formatCount(count: number): string {
  if (count >= 1e6) return `${Number((count / 1e6).toPrecision(3))}M`
  return count >= 10_000 ? `${Number((count / 1000).toPrecision(3))}k` : Math.round(count).toLocaleString('en')
}
