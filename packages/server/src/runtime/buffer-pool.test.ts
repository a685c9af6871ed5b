import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { clearBufferPool, releaseBuffers, acquireBuffer } from './buffer-pool.ts'

const KiB = 1024

beforeEach(clearBufferPool)

test('a released buffer is reused for a smaller request', () => {
  const first = acquireBuffer(1000 * KiB)
  releaseBuffers([first.subarray(0, 10), first.subarray(10)])
  const second = acquireBuffer(900 * KiB)
  expect(second.buffer).toBe(first.buffer)
  expect(second.length).toBe(900 * KiB)
})

test('a buffer that is released twice is acquired only once', () => {
  const memory = acquireBuffer(100 * KiB)
  releaseBuffers([memory])
  releaseBuffers([memory])
  expect(acquireBuffer(100 * KiB).buffer).toBe(memory.buffer)
  expect(acquireBuffer(100 * KiB).buffer).not.toBe(memory.buffer)
})

test('foreign and small buffers are never pooled', () => {
  const [foreign, small] = [Buffer.allocUnsafeSlow(128 * KiB), acquireBuffer(10)]
  releaseBuffers([foreign, small])
  expect(acquireBuffer(128 * KiB).buffer).not.toBe(foreign.buffer)
  expect(acquireBuffer(10).buffer).not.toBe(small.buffer)
})

test('free buffers are bounded, and dropped when the pool is cleared', () => {
  const acquired = Array.from({ length: 40 }, () => acquireBuffer(4096 * KiB))
  releaseBuffers(acquired)
  const kept = new Set(acquired.map((memory) => memory.buffer))
  const again = Array.from({ length: 40 }, () => acquireBuffer(4096 * KiB))
  expect(again.filter((memory) => kept.has(memory.buffer))).toHaveLength(8)
  releaseBuffers(again)
  clearBufferPool()
  expect(again.map((memory) => memory.buffer)).not.toContain(acquireBuffer(4096 * KiB).buffer)
})

test('the least recently acquired size is dropped first when too much is free', () => {
  const [rare, common] = [acquireBuffer(40_960 * KiB), acquireBuffer(16_384 * KiB)]
  releaseBuffers([rare])
  releaseBuffers([common, acquireBuffer(10_240 * KiB)])
  expect(acquireBuffer(16_384 * KiB).buffer).toBe(common.buffer)
  expect(acquireBuffer(40_960 * KiB).buffer).not.toBe(rare.buffer)
})

test('an acquired buffer is never acquired again before its release, in any order of calls', () => {
  const step = fc.oneof(
    fc.record({ acquire: fc.integer({ min: 0, max: 3000 * KiB }) }),
    fc.record({ release: fc.nat({ max: 9 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const held: Buffer[] = []
      const reused: Buffer[] = []
      for (const one of steps) {
        if ('acquire' in one) {
          const memory = acquireBuffer(one.acquire)
          if (memory.length !== one.acquire || held.some((other) => other.buffer === memory.buffer)) reused.push(memory)
          held.push(memory)
        } else releaseBuffers(held.splice(one.release, 1))
      }
      releaseBuffers(held)
      expect(reused).toEqual([])
    }),
    { numRuns: 200 },
  )
})
