import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kv } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { afterAll, expect, test } from 'vitest'
import { sendOrderSpans } from './send-order-spans.ts'

/** Enough for the engine's own files and some data. */
const DISK_MIB = 96

const disk = mkdtempSync(join(tmpdir(), 'spanlink-disk-full-'))
const mounted = mountDisk()
afterAll(() => {
  if (mounted) execFileSync('umount', ['--lazy', disk])
  rmSync(disk, { recursive: true, force: true })
})

// Only root may mount a file system that is small enough to fill.
test.skipIf(!mounted)(
  'a full disk returns 503 with Retry-After, and all acknowledged spans are stored once space is free',
  async () => {
    const dataDir = join(disk, 'data')
    mkdirSync(dataDir)
    await using server = await startSpanlink({ dataDir })
    const acked: string[] = []
    const send = async (): Promise<Response> => {
      const { ids, response } = await sendOrderSpans(server, 20, [kv('filler', randomBytes(10_000).toString('hex'))])
      if (response.status === 200) acked.push(...ids)
      return response
    }
    expect((await send()).status).toBe(200)
    await drained(server)

    const ballast = join(disk, 'ballast')
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 2 * 1024 * 1024))
    let response = await send()
    while (response.status === 200) response = await send()
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    // The server is up and reports the size of its journal.
    const { journal } = (await server.getJson('/api/status')) as Status
    expect(journal.bytes).toBeGreaterThan(0)

    rmSync(ballast)
    while ((await send()).status !== 200) await sleep(50)
    await drained(server)
    const { store } = (await server.getJson('/api/status')) as Status
    expect(store.spans).toBe(acked.length)
    expect(await server.stop()).toBe(0)
  },
  240_000,
)

type Status = {
  readonly journal: { readonly bytes: number }
  readonly store: { readonly spans: number }
}

async function drained(server: SpanlinkServer): Promise<void> {
  while (((await server.getJson('/api/status')) as Status).journal.bytes > 0) await sleep(50)
}

function mountDisk(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk], { stdio: 'ignore' })
    return true
  } catch {
    // Root in a container may not mount either.
    return false
  }
}
