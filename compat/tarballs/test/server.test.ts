import { join } from 'node:path'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AppFolder, createAppFolder, hasNode20, installNode20 } from './app-folder.ts'

let app: AppFolder

beforeAll(async () => {
  app = await createAppFolder(['server'], [])
})
afterAll(() => app?.[Symbol.asyncDispose]())

test('npx spanlink prints its version and its usage', async () => {
  const { version } = (await import('../../../packages/server/package.json', { with: { type: 'json' } })).default
  expect(await app.run('npx', ['spanlink', '--version'], NODE_FIRST)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(version),
  })
  expect((await app.run('npx', ['spanlink', '--help'], NODE_FIRST)).stdout).toContain('Usage: spanlink')
})

test('the installed server stores spans with the embedded engine and serves the UI', async () => {
  await using spanlink = await startSpanlink({ main: join(app.path, 'node_modules/spanlink/dist/cli/bin.js') })
  const [traceId, spanId] = ['ab'.repeat(16), 'cd'.repeat(8)]
  const now = BigInt(Date.now()) * 1_000_000n
  const span = { traceId, spanId, name: 'packed', startTimeUnixNano: String(now), endTimeUnixNano: String(now + 1n) }
  const sent = await fetch(`${spanlink.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(encodeTraces(tracesOf('app', [span]))),
  })
  expect(sent.status).toBe(200)
  const found = await vi.waitUntil(
    async () => {
      const response = await fetch(`${spanlink.url}/api/traces/${traceId}`)
      return response.ok && response.json()
    },
    { timeout: 60_000, interval: 100 },
  )
  expect(found).toMatchObject({ spans: [{ name: 'packed', service: 'app' }] })
  expect(await (await fetch(spanlink.url)).text()).toContain('<script')
})

test('serve --kafka-brokers without kafkajs installed fails with one line that names it', async () => {
  const bin = join(app.path, 'node_modules/spanlink/dist/cli/bin.js')
  const args = [bin, 'serve', '--data', 'never-made', '--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0']
  const ended = await app.run(process.execPath, [...args, '--kafka-brokers', '127.0.0.1:1'])
  expect(ended.code).not.toBe(0)
  expect(ended.stderr.trim().split('\n')).toEqual([expect.stringContaining('kafkajs')])
  expect((await app.run('ls', ['never-made'])).code).not.toBe(0)
})

test.skipIf(!hasNode20)('serve on Node 20 fails with one line that names the required version', async () => {
  const ended = await app.run(await installNode20(app), ['node_modules/spanlink/dist/cli/bin.js', 'serve'])
  expect(ended).toEqual({ code: 1, stdout: '', stderr: 'spanlink needs Node 22.15 or newer, this is 20.8.1.\n' })
})

/** npx runs the first `node` in PATH, which must be the current one. */
const NODE_FIRST = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` }
