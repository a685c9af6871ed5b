import { expect, test } from 'vitest'
import { seriesStyle } from './series-style.ts'

test('32 series of a chart differ in hue or dash pattern', () => {
  const styles = Array.from({ length: 32 }, (_, nth) => seriesStyle(nth))
  expect(new Set(styles.map(({ hue, dash }) => JSON.stringify([hue, dash]))).size).toBe(32)
  expect(new Set(styles.map(({ hue, border }) => JSON.stringify([hue, border]))).size).toBe(32)
})
