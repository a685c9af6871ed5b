/**
 * Collects the paints that are asked for and does them once, in the next frame, in the order they
 * were first asked for.
 */
const waiting = new Set<() => void>()

export function paintNextFrame(paint: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(runAll)
  waiting.add(paint)
}

/**
 * What takes long and is not what one came for first: done once the next frame is on the screen.
 */
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
