import type { HeatmapGrid } from './heatmap-grid.ts'

/**
 * Shades are logarithmic in the count, so one slow trace is visible beside a thousand fast ones.
 */
export function paintHeatmap(
  context: CanvasRenderingContext2D,
  grid: HeatmapGrid,
  width: number,
  height: number,
  colour: string,
): void {
  const columnWidth = width / grid.columns
  const rowHeight = height / grid.rows
  context.fillStyle = colour
  for (const { column, row, count } of grid.cells) {
    context.globalAlpha = 0.25 + 0.75 * (Math.log1p(count) / Math.log1p(grid.max))
    const x = Math.floor(column * columnWidth)
    const y = Math.floor(height - (row + 1) * rowHeight)
    context.fillRect(x, y, Math.max(2, Math.ceil(columnWidth) - 1), Math.max(2, Math.floor(rowHeight) - 1))
  }
  context.globalAlpha = 1
}
