/** The style of a chart line: neighbours differ by hue, lines of equal hue by their dashes. */
export interface SeriesStyle {
  /** Degrees in OKLCH. */
  readonly hue: number
  /** Lengths of strokes and gaps in pixels; empty for an unbroken line. */
  readonly dash: readonly number[]
  /** The same as a CSS border style, for the legend. */
  readonly border: 'solid' | 'dashed' | 'dotted' | 'double'
}

/**
 * Neighbours are far apart on the colour wheel, because p95 and p99 are often compared. More than
 * eight hues look alike.
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
