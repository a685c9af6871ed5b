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
 * Between us and the engine: resets connections as soon as a question comes, as long as `losing`
 * says so.
 */
async function lossyWay(losing: () => boolean): Promise<{ readonly url: string; readonly close: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const onward = dial(Number(new URL(access.url).port), '127.0.0.1')
    for (const one of [socket, onward]) {
      sockets.add(one)
      one.on('error', () => {})
    }
    socket.on('data', (bytes) => (losing() ? socket.resetAndDestroy() : onward.write(bytes)))
    onward.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

test('a query whose connection is lost is sent once more', async () => {
  let losses = 1
  const way = await lossyWay(() => losses-- > 0)
  const client = connect({ ...access, url: way.url })
  expect(await client.query('select 1 as one')).toEqual([{ one: 1 }])
  expect(losses).toBeLessThan(1)
  await client.close()
  way.close()
})

test('a query whose second connection is lost as well fails as unavailable', async () => {
  let asked = 0
  const way = await lossyWay(() => {
    asked++
    return true
  })
  const client = connect({ ...access, url: way.url })
  await expect(client.query('select 1 as one')).rejects.toMatchObject({ code: 'unavailable' })
  expect(asked).toBe(2)
  await client.close()
  way.close()
})
