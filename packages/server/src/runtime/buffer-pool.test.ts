import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { clearBufferPool, releaseBuffers, acquireBuffer } from './buffer-pool.ts'

const KiB = 1024

beforeEach(clearBufferPool)

test('memory that was given back is taken again by what fits into it', () => {
  const first = acquireBuffer(1000 * KiB)
  releaseBuffers([first.subarray(0, 10), first.subarray(10)])
  const second = acquireBuffer(900 * KiB)
  expect(second.buffer).toBe(first.buffer)
  expect(second.length).toBe(900 * KiB)
})

test('memory given back twice is lent to one only', () => {
  const memory = acquireBuffer(100 * KiB)
  releaseBuffers([memory])
  releaseBuffers([memory])
  expect(acquireBuffer(100 * KiB).buffer).toBe(memory.buffer)
  expect(acquireBuffer(100 * KiB).buffer).not.toBe(memory.buffer)
})

test('memory of others and small pieces are never lent', () => {
  const [foreign, small] = [Buffer.allocUnsafeSlow(128 * KiB), acquireBuffer(10)]
  releaseBuffers([foreign, small])
  expect(acquireBuffer(128 * KiB).buffer).not.toBe(foreign.buffer)
  expect(acquireBuffer(10).buffer).not.toBe(small.buffer)
})

test('what is free is bounded, and gone when it is dropped', () => {
  const taken = Array.from({ length: 40 }, () => acquireBuffer(4096 * KiB))
  releaseBuffers(taken)
  const kept = new Set(taken.map((memory) => memory.buffer))
  const again = Array.from({ length: 40 }, () => acquireBuffer(4096 * KiB))
  expect(again.filter((memory) => kept.has(memory.buffer))).toHaveLength(8)
  releaseBuffers(again)
  clearBufferPool()
  expect(again.map((memory) => memory.buffer)).not.toContain(acquireBuffer(4096 * KiB).buffer)
})

test('of too much that is free, the size asked for longest ago goes first', () => {
  const [rare, common] = [acquireBuffer(40_960 * KiB), acquireBuffer(16_384 * KiB)]
  releaseBuffers([rare])
  releaseBuffers([common, acquireBuffer(10_240 * KiB)])
  expect(acquireBuffer(16_384 * KiB).buffer).toBe(common.buffer)
  expect(acquireBuffer(40_960 * KiB).buffer).not.toBe(rare.buffer)
})

test('whoever has memory has it alone, whatever is taken and given back in between', () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 0, max: 3000 * KiB }) }),
    fc.record({ give: fc.nat({ max: 9 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const held: Buffer[] = []
      const doubled: Buffer[] = []
      for (const one of steps) {
        if ('take' in one) {
          const memory = acquireBuffer(one.take)
          if (memory.length !== one.take || held.some((other) => other.buffer === memory.buffer)) doubled.push(memory)
          held.push(memory)
        } else releaseBuffers(held.splice(one.give, 1))
      }
      releaseBuffers(held)
      expect(doubled).toEqual([])
    }),
    { numRuns: 200 },
  )
})
