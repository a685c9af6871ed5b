/**
 * How a line of a chart is drawn: apart from its neighbours by hue, and from the line with the same
 * hue by its dashes.
 */
export interface SeriesStyle {
  /** Degrees in OKLCH. */
  readonly hue: number
  /** Lengths of strokes and gaps in pixels; empty for an unbroken line. */
  readonly dash: readonly number[]
  /** The same as a CSS border style, for the legend. */
  readonly border: 'solid' | 'dashed' | 'dotted' | 'double'
}

/**
 * Neighbours far apart on the wheel: p95 beside p99 is what people compare. More hues than these
 * look alike.
 */
const HUES = [255, 60, 155, 320, 195, 25, 105, 285] as const

const DASHES = [
  { dash: [], border: 'solid' },
  { dash: [9, 4], border: 'dashed' },
  { dash: [2, 3], border: 'dotted' },
  { dash: [12, 3, 2, 3], border: 'double' },
] as const

export function seriesStyle(nth: number): SeriesStyle {
  const { dash, border } = DASHES[Math.floor(nth / HUES.length) % DASHES.length] ?? DASHES[0]
  return { hue: HUES[nth % HUES.length] ?? HUES[0], dash, border }
}
