import type { TimeWindow } from '../time-window.ts'

const STEPS = [1, 2, 5]

/**
 * Round times inside the window, at most `most`, in steps of 1, 2 or 5 times a power of ten (and of
 * 60 above a second).
 */
export function ticksIn(window: TimeWindow, max: number): number[] {
  const step = tickStep((window.to - window.from) / Math.max(1, max))
  const ticks: number[] = []
  for (let n = Math.ceil(window.from / step); n * step <= window.to; n += 1) ticks.push(n * step)
  return ticks
}

const SECOND = 1e9
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]

function tickStep(min: number): number {
  if (min <= 1) return 1
  if (min > SECOND / 2) {
    const clock = CLOCK_STEPS.find((seconds) => seconds * SECOND >= min)
    if (clock !== undefined) return clock * SECOND
  }
  const unit = min > 86_400 * SECOND ? 86_400 * SECOND : 1
  const power = 10 ** Math.floor(Math.log10(min / unit))
  const step = STEPS.find((factor) => factor * power * unit >= min) ?? 10
  return step * power * unit
}
