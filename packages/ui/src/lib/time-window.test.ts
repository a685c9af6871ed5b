import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ticksIn } from './canvas/ticks.ts'
import { isWhole, panWindow, SMALLEST_WINDOW, wholeWindow, windowBetween, zoomWindow } from './time-window.ts'

const duration = fc.double({ min: 0, max: 2 ** 53, noNaN: true })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const factor = fc.double({ min: 1e-3, max: 1e3, noNaN: true })

describe('a time window', () => {
  test('stays within the trace for any zooming and panning', () => {
    const step = fc.record({ at: share, factor, by: fc.double({ min: -2, max: 2, noNaN: true }) })
    fc.assert(
      fc.property(duration, fc.array(step, { maxLength: 30 }), (duration, steps) => {
        let window = wholeWindow(duration)
        const end = window.to
        for (const { at, factor, by } of steps) {
          window = zoomWindow(window, window.from + at * (window.to - window.from), factor, duration)
          window = panWindow(window, by * (window.to - window.from), duration)
          expect(window.from).toBeGreaterThanOrEqual(0)
          expect(window.to).toBeLessThanOrEqual(end * (1 + 1e-12))
          expect(window.to - window.from).toBeGreaterThanOrEqual(SMALLEST_WINDOW * 0.99)
        }
      }),
    )
  })

  test('keeps the time under the pointer when zooming', () => {
    const window = zoomWindow({ from: 0, to: 1000 * 1e6 }, 250 * 1e6, 0.5, 1000 * 1e6)
    expect(window).toEqual({ from: 125e6, to: 625e6 })
  })

  test('is created from two times in either order', () => {
    expect(windowBetween(600, 200, 1000)).toEqual({ from: 200, to: 600 })
    expect(windowBetween(200, 600, 1000)).toEqual({ from: 200, to: 600 })
  })

  test('covers the trace again after zooming all the way out', () => {
    const window = zoomWindow({ from: 300, to: 500 }, 400, 1e6, 1000)
    expect(isWhole(window, 1000)).toBe(true)
  })
})

describe('axis ticks', () => {
  test('are round, within the window and near the requested number', () => {
    expect(ticksIn({ from: 0, to: 100e6 }, 5)).toEqual([0, 20e6, 40e6, 60e6, 80e6, 100e6])
    expect(ticksIn({ from: 0, to: 90e9 }, 6)).toEqual([0, 15e9, 30e9, 45e9, 60e9, 75e9, 90e9])
  })

  test('are at most the requested number plus one at any zoom', () => {
    fc.assert(
      fc.property(duration, share, factor, fc.integer({ min: 2, max: 20 }), (duration, at, factor, maxTicks) => {
        const full = wholeWindow(duration)
        const window = zoomWindow(full, at * full.to, factor, duration)
        const ticks = ticksIn(window, maxTicks)
        expect(ticks.length).toBeLessThanOrEqual(maxTicks + 1)
        for (const tick of ticks) {
          expect(tick).toBeGreaterThanOrEqual(window.from)
          expect(tick).toBeLessThanOrEqual(window.to)
        }
      }),
    )
  })
})
