import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { scheduleGc } from './gc-scheduler.ts'

const MiB = 2 ** 20

let stop = (): void => {}
afterEach(() => stop())

test('buffers that nobody has are collected when there are more than may be', async () => {
  stop = scheduleGc({ maxBufferBytes: buffersMiB() * MiB + 20 * MiB, getReceivedBytes: () => Number.MAX_SAFE_INTEGER })
  const before = buffersMiB()
  leave(60)
  expect(buffersMiB()).toBeGreaterThan(before + 50)
  expect(await within5s(() => buffersMiB() < before + 20)).toBe(true)
})

test('after the start, and once nothing comes in, what was left is collected', async () => {
  stop = scheduleGc({ maxBufferBytes: 1024 * MiB, getReceivedBytes: () => 0 })
  const before = buffersMiB()
  leave(60)
  expect(await within5s(() => buffersMiB() < before + 20)).toBe(true)
})

test('the pieces that requests came in are collected as they come', async () => {
  let taken = 0
  stop = scheduleGc({ maxBufferBytes: 1024 * MiB, getReceivedBytes: () => taken })
  const before = buffersMiB()
  leave(60)
  taken = 60 * MiB
  expect(await within5s(() => buffersMiB() < before + 20)).toBe(true)
})

function leave(count: number): void {
  for (let i = 0; i < count; i++) Buffer.allocUnsafeSlow(MiB)
}

function buffersMiB(): number {
  return process.memoryUsage().arrayBuffers / MiB
}

async function within5s(done: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !done(); i++) await sleep(50)
  return done()
}
