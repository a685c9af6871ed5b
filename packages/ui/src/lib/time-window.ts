/** A range of the trace's time axis, in nanoseconds from its start. */
export interface TimeWindow {
  readonly from: number
  readonly to: number
}

/**
 * Maximum zoom, in nanoseconds. OpenTelemetry times are whole nanoseconds, so less would show empty
 * gaps between them. Both ends stay exact in a double up to 104 days (2^53 ns).
 */
export const SMALLEST_WINDOW = 100

export function wholeWindow(duration: number): TimeWindow {
  return { from: 0, to: Math.max(duration, SMALLEST_WINDOW) }
}

/**
 * Scales about `anchor`, which keeps its screen position unless an end of the trace prevents it.
 */
export function zoomWindow(window: TimeWindow, anchor: number, factor: number, duration: number): TimeWindow {
  const whole = wholeWindow(duration)
  const length = clamp((window.to - window.from) * factor, SMALLEST_WINDOW, whole.to)
  const share = (anchor - window.from) / (window.to - window.from)
  return fit(anchor - share * length, length, whole.to)
}

export function panWindow(window: TimeWindow, by: number, duration: number): TimeWindow {
  return fit(window.from + by, window.to - window.from, wholeWindow(duration).to)
}

/**
 * The window between two times in either order, within the trace and at least `SMALLEST_WINDOW`.
 */
export function windowBetween(a: number, b: number, duration: number): TimeWindow {
  const length = Math.max(SMALLEST_WINDOW, Math.abs(b - a))
  return fit(Math.min(a, b), length, wholeWindow(duration).to)
}

export function isWhole(window: TimeWindow, duration: number): boolean {
  const whole = wholeWindow(duration)
  return window.from <= whole.from && window.to >= whole.to
}

function fit(from: number, length: number, end: number): TimeWindow {
  const fitting = Math.min(length, end)
  const start = clamp(from, 0, end - fitting)
  return { from: start, to: start + fitting }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
