import { contextFor } from '../../lib/canvas/canvas.ts'

/**
 * Rows per tile. Each frame costs by the pixels of all tiles, painted or not, so tiles extend
 * little beyond the visible rows.
 */
const TILE_ROWS = 8

/** Paints rows `first .. last - 1`; the context's origin is row `first`. */
export type PaintTile = (context: CanvasRenderingContext2D, first: number, last: number) => void

/**
 * Canvases of a few rows each, stacked in scrolled content. Only rows that scroll in are painted. A
 * canvas that scrolled out is reused, with its pixel buffer.
 */
export interface CanvasTiles {
  /** Whether rows `first .. last - 1` already have tiles. */
  readonly cover: (first: number, last: number) => boolean
  /**
   * Shows tiles over rows `first .. last - 1` of `count`. With `isRepaint`, existing tiles are
   * painted too.
   */
  readonly show: (area: {
    readonly first: number
    readonly last: number
    readonly count: number
    readonly rowHeight: number
    readonly width: number
    readonly isRepaint: boolean
  }) => void
}

export function createTiles(host: HTMLElement, paint: PaintTile): CanvasTiles {
  let shown = new Map<number, HTMLCanvasElement>()
  return {
    cover(first, last) {
      for (let tile = Math.floor(first / TILE_ROWS); tile < Math.ceil(last / TILE_ROWS); tile += 1)
        if (!shown.has(tile)) return false
      return true
    },
    show({ first, last, count, rowHeight, width, isRepaint }) {
      const from = Math.floor(first / TILE_ROWS)
      const to = Math.ceil(last / TILE_ROWS)
      const idle = [...shown].filter(([tile]) => tile < from || tile >= to).map(([, canvas]) => canvas)
      const now = new Map<number, HTMLCanvasElement>()
      for (let tile = from; tile < to; tile += 1) {
        const known = shown.get(tile)
        const canvas = known ?? idle.pop() ?? host.appendChild(document.createElement('canvas'))
        now.set(tile, canvas)
        if (known !== undefined && !isRepaint) continue
        const rowFrom = tile * TILE_ROWS
        const rowTo = Math.min(count, rowFrom + TILE_ROWS)
        if (known === undefined) canvas.style.top = `${rowFrom * rowHeight}px`
        const context = contextFor(canvas, width, Math.max(1, (rowTo - rowFrom) * rowHeight))
        if (context !== null) paint(context, rowFrom, rowTo)
      }
      for (const canvas of idle) canvas.remove()
      shown = now
    },
  }
}
