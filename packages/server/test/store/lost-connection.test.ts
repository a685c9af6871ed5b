import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Access, connect } from '../../src/clickhouse/client.ts'
import { type Engine, startEngine } from '../../src/clickhouse/engine/engine.ts'

let dir: string
let engine: Engine
let access: Access
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-lost-connection-'))
  engine = await startEngine({
    dataDir: dir,
    ping: (to) => connect(to).ping(),
    onReady: async (to) => void (access = to),
    onDown: () => {},
    log: () => {},
  })
}, 60_000)
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

/**
 * A proxy before the engine that resets connections on their first request while `isLosing()`
 * is true.
 */
async function startLossyProxy(isLosing: () => boolean): Promise<{ readonly url: string; readonly close: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const upstream = dial(Number(new URL(access.url).port), '127.0.0.1')
    for (const one of [socket, upstream]) {
      sockets.add(one)
      one.on('error', () => {})
    }
    socket.on('data', (bytes) => (isLosing() ? socket.resetAndDestroy() : upstream.write(bytes)))
    upstream.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

test('a query whose connection is lost is retried once', async () => {
  let losses = 1
  const proxy = await startLossyProxy(() => losses-- > 0)
  const client = connect({ ...access, url: proxy.url })
  expect(await client.query('select 1 as one')).toEqual([{ one: 1 }])
  expect(losses).toBeLessThan(1)
  await client.close()
  proxy.close()
})

test('a query whose retry loses its connection too fails as unavailable', async () => {
  let requests = 0
  const proxy = await startLossyProxy(() => {
    requests++
    return true
  })
  const client = connect({ ...access, url: proxy.url })
  await expect(client.query('select 1 as one')).rejects.toMatchObject({ code: 'unavailable' })
  expect(requests).toBe(2)
  await client.close()
  proxy.close()
})
