import { expect, test } from 'vitest'
import { divideMemory } from './memory-limits.ts'

const GiB = 2 ** 30

test("receiver and journal get the engine's share when ClickHouse is external", () => {
  const [beside, alone] = [divideMemory(GiB), divideMemory(GiB, 'elsewhere')]
  expect(beside.engineBytes).toBeGreaterThan(0.3 * GiB)
  expect(alone.engineBytes).toBe(0)
  expect(alone.inFlightBytes).toBeGreaterThan(2 * beside.inFlightBytes)
  expect(alone.journalBytes / beside.journalBytes).toBeCloseTo(1 / 0.45, 5)
})

test('a request of the largest size fits into the limits of the smallest memory', () => {
  expect(divideMemory(GiB / 2).inFlightBytes).toBeGreaterThan(64 * 2 ** 20)
})

test("two segments that are being inserted fit into the journal's memory", () => {
  for (const memory of [GiB / 2, GiB, 8 * GiB]) {
    const { segmentBytes, journalBytes } = divideMemory(memory)
    expect(2 * segmentBytes).toBeLessThan(journalBytes)
  }
})
