import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { startGuarded, waitForLine } from '@spanlink/testkit/guarded-process'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AppFolder, canInstallNode, createAppFolder, installNode, MIN_NODE, OLD_NODE } from './app-folder.ts'

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

test.skipIf(!canInstallNode)(`npx spanlink runs on Node ${MIN_NODE}`, async () => {
  const PATH = `${await installNode(app, MIN_NODE)}:${process.env['PATH']}`
  const dataDir = join(app.path, 'npx-data')
  const args = ['--data', dataDir, '--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0']
  const npx = await startGuarded(['npx', '--prefix', app.path, 'spanlink', ...args], {
    env: { ...process.env, PATH },
  })
  const [, url] = await waitForLine(npx, /Spanlink is ready on (https?:\S+)/, 60_000)
  expect((await fetch(`${url}/api/ready`)).status).toBe(200)
  // npx runs the server in a shell that passes no signal on.
  process.kill(Number(await readFile(join(dataDir, 'lock'), 'utf8')), 'SIGTERM')
  expect(await npx.ended()).toBe(0)
})

test.skipIf(!canInstallNode)('serve on Node 20 fails with one line that names the required version', async () => {
  const old = join(await installNode(app, OLD_NODE), 'node')
  const ended = await app.run(old, ['node_modules/spanlink/dist/cli/bin.js', 'serve'])
  expect(ended).toEqual({ code: 1, stdout: '', stderr: 'spanlink needs Node 22.15 or newer, this is 20.8.1.\n' })
})

test('serve in an installation with --omit=optional fails with one line and makes no data directory', async () => {
  await using bare = await createAppFolder(['server'], [], ['--omit=optional'])
  const ended = await bare.run(process.execPath, ['node_modules/spanlink/dist/cli/bin.js', 'serve', '--data', 'data'])
  expect(ended.code).not.toBe(0)
  expect(ended.stderr.trim().split('\n')).toEqual([expect.stringMatching(/is missing\. Install .*--omit=optional/)])
  expect((await bare.run('ls', ['data'])).code).not.toBe(0)
})

/** npx runs the first `node` in PATH, which must be the current one. */
const NODE_FIRST = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` }
