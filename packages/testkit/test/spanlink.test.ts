import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { generateSpans, tracesOf } from '../src/otlp/otlp.ts'
import { startSpanlink } from '../src/spanlink.ts'

/** Long enough under load. */
const PATIENT = { timeout: 15_000 }

describe('a Spanlink server', () => {
  test('stores generated spans and counts them in its status', async () => {
    await using spanlink = await startSpanlink()
    const response = await spanlink.sendSpans(generateSpans({ spans: 500 }))
    expect(response.status).toBe(200)
    await expect
      .poll(async () => await spanlink.getJson('/api/status'), PATIENT)
      .toMatchObject({ store: { spans: 500 } })
    await expect(spanlink.getJson('/api/traces/nonsense')).rejects.toThrow(/: 400 /)
  })

  test('keeps a given data directory and its spans for the next server', async () => {
    await using first = await startSpanlink()
    const traceId = 'a'.repeat(32)
    const time = String(BigInt(Date.now()) * 1_000_000n)
    const span = { traceId, spanId: 'b'.repeat(16), name: 'n', startTimeUnixNano: time, endTimeUnixNano: time }
    await first.sendSpans(tracesOf('payment', [span]))
    expect(await first.kill('SIGKILL')).toBe(137)

    await using second = await startSpanlink({ dataDir: first.dataDir })
    await expect
      .poll(async () => await second.getJson(`/api/traces/${traceId}`).catch(() => undefined), PATIENT)
      .toMatchObject({ spans: [{ service: 'payment', name: 'n' }] })
    expect(await second.stop()).toBe(0)
    expect(existsSync(first.dataDir)).toBe(true)
  })

  test('that cannot start rejects with its exit code', async () => {
    await expect(startSpanlink({ args: ['--retention', 'forever'] })).rejects.toThrow(
      /ended with code \d+ while starting/,
    )
  })
})

test('a server, its engine and its directory are removed when their parent process is killed with -9', async () => {
  const orphan = spawn(process.execPath, ['test/orphan-spanlink.ts'], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: orphan.stdout }), 'line')) as [string]
  const { pid, enginePid, dataDir } = JSON.parse(line) as { pid: number; enginePid: number; dataDir: string }
  expect([pid, enginePid].map(isAlive)).toEqual([true, true])

  orphan.kill('SIGKILL')
  await expect.poll(() => [pid, enginePid].map(isAlive), PATIENT).toEqual([false, false])
  await expect.poll(() => existsSync(dataDir), PATIENT).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
