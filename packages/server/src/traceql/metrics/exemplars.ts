import type { Hint } from '../syntax/ast.ts'
import type { Series } from './series.ts'

/** Exemplars of `with (exemplars=true)` without a number in the request, as in Tempo. */
export const DEFAULT_EXEMPLARS = 100

/**
 * Maximum number of exemplars: `with (exemplars=…)` overrides the request's parameter.
 */
export function resolveMaxExemplars(hints: readonly Hint[], beside: number): number {
  const hint = hints.find(({ name }) => name === 'exemplars')?.value
  if (hint?.type === 'int') return hint.value
  if (hint?.type !== 'boolean') return beside
  return hint.value ? beside || DEFAULT_EXEMPLARS : 0
}

/**
 * Keeps the exemplars of remaining points, at most `most`, evenly over time, with their values.
 */
export function limitExemplars(series: readonly Series[], max: number): readonly Series[] {
  const kept = series.map((one) => {
    const values = new Map(one.points.map(({ timeUnixNano, value }) => [timeUnixNano, value]))
    return one.exemplars.flatMap((each) => {
      const atPoint = values.get(each.point)
      return atPoint === undefined ? [] : [{ ...each, value: each.value ?? atPoint }]
    })
  })
  const all = kept.flat().toSorted((a, b) => (BigInt(a.timeUnixNano) < BigInt(b.timeUnixNano) ? -1 : 1))
  const shown = new Set(
    all.length <= max ? all : Array.from({ length: max }, (_, at) => all[Math.floor((at * all.length) / max)]),
  )
  return series.map((one, at) => ({ ...one, exemplars: (kept[at] ?? []).filter((each) => shown.has(each)) }))
}
