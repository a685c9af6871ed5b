import type { TraceModel } from '../model/trace-model.ts'
import { createCoverage } from '../../lib/canvas/coverage.ts'

/**
 * Bars of the minimap in whole pixels; `y` is a line of the minimap. Errors are last, so that
 * nothing covers them.
 */
export interface MinimapBars {
  readonly count: number
  readonly x0: Float32Array
  readonly x1: Float32Array
  readonly y: Uint16Array
  readonly service: Uint16Array
  readonly error: Uint8Array
  readonly lineHeight: number
}

/**
 * Maximum line height; thicker lines look like a separate chart if a trace has only a few spans.
 */
const MAX_LINE_HEIGHT = 7

export function computeMinimapBars(model: TraceModel, width: number, height: number): MinimapBars {
  const lineHeight = Math.max(1, Math.min(MAX_LINE_HEIGHT, Math.floor(height / Math.max(1, model.count))))
  const lines = Math.max(1, Math.floor(height / lineHeight))
  const covered: (ReturnType<typeof createCoverage> | undefined)[] = []
  const scale = width / Math.max(1, model.duration)
  const taken: number[] = []
  const pass = (errors: 0 | 1): void => {
    for (let p = 0; p < model.count; p += 1) {
      if (model.error[p] !== errors) continue
      const y = model.count <= lines ? p : Math.floor((p * lines) / model.count)
      const from = Math.min(width - 1, Math.floor((model.start[p] ?? 0) * scale))
      const to = Math.max(from + 1, Math.ceil((model.end[p] ?? 0) * scale))
      const line = (covered[y + errors * lines] ??= createCoverage(width))
      if (line.take(from, to)) taken.push(p, y, from, to)
    }
  }
  pass(0)
  pass(1)
  const count = taken.length / 4
  const at = (offset: number): number[] => Array.from({ length: count }, (_, bar) => taken[bar * 4 + offset] ?? 0)
  const positions = at(0)
  return {
    count,
    x0: Float32Array.from(at(2)),
    x1: Float32Array.from(at(3)),
    y: Uint16Array.from(at(1), (line) => line * lineHeight),
    service: Uint16Array.from(positions, (p) => model.service[p] ?? 0),
    error: Uint8Array.from(positions, (p) => model.error[p] ?? 0),
    lineHeight,
  }
}
