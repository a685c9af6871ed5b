/** Pending paints; each runs once in the next frame, in the order of its first request. */
const waiting = new Set<() => void>()

export function paintNextFrame(paint: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(runAll)
  waiting.add(paint)
}

/** Runs slow, secondary work after the next frame is on screen. */
export function afterNextFrame(run: () => void): void {
  requestAnimationFrame(() => setTimeout(run))
}

export function cancelPaint(paint: () => void): void {
  waiting.delete(paint)
}

function runAll(): void {
  const paints = [...waiting]
  waiting.clear()
  for (const paint of paints) paint()
}
