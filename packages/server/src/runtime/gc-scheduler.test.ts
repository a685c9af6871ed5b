import { setTimeout as sleep } from 'node:timers/promises'
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
  expect(await within5s(() => buffersMiB() < before + 20)).toBe(true)
})

test('unreferenced buffers are collected after startup once no data is received', async () => {
  stop = scheduleGc({ maxBufferBytes: 1024 * MiB, getReceivedBytes: () => 0 })
  const before = buffersMiB()
  leaveUnreferenced(60)
  expect(await within5s(() => buffersMiB() < before + 20)).toBe(true)
})

test('the buffers of request bodies are collected while data is received', async () => {
  let receivedBytes = 0
  stop = scheduleGc({ maxBufferBytes: 1024 * MiB, getReceivedBytes: () => receivedBytes })
  const before = buffersMiB()
  leaveUnreferenced(60)
  receivedBytes = 60 * MiB
  expect(await within5s(() => buffersMiB() < before + 20)).toBe(true)
})

function leaveUnreferenced(count: number): void {
  for (let i = 0; i < count; i++) Buffer.allocUnsafeSlow(MiB)
}

function buffersMiB(): number {
  return process.memoryUsage().arrayBuffers / MiB
}

async function within5s(done: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !done(); i++) await sleep(50)
  return done()
}
