import type { HeatmapResponse } from '@spanlink/api-schema'

/** Cells in rows of doubling durations; row 0 is the shortest. */
export interface HeatmapGrid {
  readonly start: bigint
  readonly step: bigint
  readonly columns: number
  readonly rows: number
  /** Nanoseconds: lower bound of row 0, upper bound of the last row. */
  readonly from: number
  readonly to: number
  readonly total: number
  readonly max: number
  readonly cells: readonly { readonly column: number; readonly row: number; readonly count: number }[]
}

export function heatmapGrid({ cells, startTimeUnixNano, stepNano, columns }: HeatmapResponse): HeatmapGrid {
  const power = (nanos: number): number => Math.max(0, Math.round(Math.log2(Math.max(1, nanos))))
  const powers = cells.map((cell) => power(cell.toNano))
  const low = powers.reduce((min, one) => Math.min(min, one), powers[0] ?? 20) - 1
  const high = powers.reduce((max, one) => Math.max(max, one), low + 1)
  // A heatmap with fewer rows looks like stripes.
  const rows = Math.max(6, high - low)
  return {
    start: BigInt(startTimeUnixNano),
    step: BigInt(stepNano),
    columns,
    rows,
    from: 2 ** low,
    to: 2 ** (low + rows),
    total: cells.reduce((sum, { count }) => sum + count, 0),
    max: cells.reduce((max, { count }) => Math.max(max, count), 1),
    cells: cells.map(({ column, toNano, count }) => ({ column, row: power(toNano) - low - 1, count })),
  }
}
