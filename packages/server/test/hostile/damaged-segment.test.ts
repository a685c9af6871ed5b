import { readdir, readFile, writeFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { sendOrderSpans } from '../durability/send-order-spans.ts'

type Status = {
  readonly journal: { readonly segments: number; readonly unreadableBytes: number; readonly tornBytes: number }
  readonly store: { readonly spans: number }
}

const REQUESTS = 9
const SPANS_PER_REQUEST = 10

test('a flipped bit in a journal segment loses the spans of one request, reported in log and status', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-damaged-'))
  const journal = join(dataDir, 'journal')
  const segments = async (): Promise<string[]> =>
    (await readdir(journal)).filter((name) => name.endsWith('.segment')).sort()
  let acked = 0
  // If the kill comes after the insert, there is no file to damage: try again.
  while (acked === 0) {
    const server = await startSpanlink({ dataDir })
    const { spans } = ((await server.getJson('/api/status')) as Status).store
    process.kill((await server.enginePid()) ?? 0, 'SIGSTOP')
    for (let request = 0; request < REQUESTS; request++) {
      const { response } = await sendOrderSpans(server, SPANS_PER_REQUEST)
      if (response.status === 200) acked += SPANS_PER_REQUEST
    }
    process.kill((await server.enginePid()) ?? 0, 'SIGKILL')
    await server.kill('SIGKILL')
    if (spans > 0 || (await segments()).length === 0) acked = 0
  }
  const [name = ''] = await segments()
  const path = join(journal, name)
  const bytes = await readFile(path)
  const middle = Math.floor(bytes.length / 2)
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle)
  await writeFile(path, bytes)

  await using server = await startSpanlink({ dataDir })
  const status = async (): Promise<Status> => (await server.getJson('/api/status')) as Status
  while ((await status()).journal.segments > 0) await sleep(50)
  const { store, journal: depth } = await status()
  expect(store.spans).toBe(acked - SPANS_PER_REQUEST)
  expect(depth.unreadableBytes).toBeGreaterThan(0)
  expect(depth.tornBytes).toBe(0)
  expect(server.stderr()).toContain(`${depth.unreadableBytes} unreadable bytes are lost`)
  expect(await readdir(join(journal, 'damaged'))).toContain(name.replace(/@[a-z-]+/, ''))
  await server.stop()
  await rm(dataDir, { recursive: true })
}, 120_000)
