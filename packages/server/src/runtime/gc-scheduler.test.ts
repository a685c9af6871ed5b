import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { afterEach, expect, test } from 'vitest'
import { scheduleGc } from './gc-scheduler.ts'

const MiB = 2 ** 20

let stop = (): void => {}
afterEach(() => stop())

test('unreferenced buffers are collected when they exceed the limit', async () => {
  stop = scheduleGc({ maxBufferBytes: buffersMiB() * MiB + 20 * MiB, getReceivedBytes: () => Number.MAX_SAFE_INTEGER })
  const before = buffersMiB()
  leaveUnreferenced(60)
  expect(buffersMiB()).toBeGreaterThan(before + 50)
  await expect.poll(buffersMiB, { timeout: 20_000 }).toBeLessThan(before + 20)
})

test('unreferenced buffers are collected after startup once no data is received', async () => {
  stop = scheduleGc({ maxBufferBytes: 1024 * MiB, getReceivedBytes: () => 0 })
  const before = buffersMiB()
  leaveUnreferenced(60)
  await expect.poll(buffersMiB, { timeout: 20_000 }).toBeLessThan(before + 20)
})

// Counts GCs, not buffers: which of them a minor GC finds young depends on V8's own GCs.
test('a minor GC runs for every 24 MiB received', async () => {
  let receivedBytes = 0
  let minorGcs = 0
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as GcEntry[]) {
      const { kind, flags } = detail
      // V8's own GCs are not forced.
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR && flags === constants.NODE_PERFORMANCE_GC_FLAGS_FORCED)
        minorGcs++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  stop = scheduleGc({ maxBufferBytes: 1024 * MiB, getReceivedBytes: () => receivedBytes })
  try {
    for (const expected of [1, 2, 3]) {
      receivedBytes += 25 * MiB
      await expect.poll(() => minorGcs, { timeout: 10_000 }).toBe(expected)
    }
  } finally {
    observer.disconnect()
  }
})

type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number; readonly flags: number } }

function leaveUnreferenced(count: number): void {
  for (let i = 0; i < count; i++) Buffer.allocUnsafeSlow(MiB)
}

function buffersMiB(): number {
  return process.memoryUsage().arrayBuffers / MiB
}
