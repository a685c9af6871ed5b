import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { nowNano, span } from '../query/order-spans.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

async function run(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=spanlink:source', main, ...args], { stdio: 'pipe' })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => (stdout += data))
  child.stderr.on('data', (data) => (stderr += data))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

test.each([
  [['--frobnicate'], '--frobnicate'],
  [['serve', '--data'], '--data'],
  [['serve', 'extra'], 'extra'],
  [['frobnicate'], 'frobnicate'],
  [['serve', '--port', '70000'], '70000'],
  [['--retention', 'soon'], 'soon'],
  [['--max-disk', '-1GB'], '--max-disk'],
])('spanlink %j is refused in one line that names %s, exit 2', async (args, named) => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stdout, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, stdout: '', lines: 1 })
  expect(stderr).toContain(named)
})

test('--help and --version answer and start nothing', async () => {
  expect(await run('serve', '--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--retention'),
    stderr: '',
  })
  expect(await run('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})

test('a second server on the same directory is refused in one line and the first goes on', async () => {
  await using first = await startSpanlink()
  const { code, stderr } = await run('serve', '--data', first.dataDir, '--port', '0')
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`process ${first.pid}`)])
  expect(await first.getJson('/api/ready')).toEqual({ ready: true })
})

test.each(['--port', '--otlp-http-port', '--otlp-grpc-port'])(
  'a port taken is told in one line that names %s, exit 1',
  async (flag) => {
    const dir = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = String(typeof address === 'object' ? address?.port : '')
    const ports = { '--port': '0', '--otlp-http-port': '0', '--otlp-grpc-port': '0', [flag]: port }
    const { code, stderr } = await run('serve', '--data', dir, ...Object.entries(ports).flat())
    expect(code).toBe(1)
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`Port ${port} is taken.*${flag}`))])
    other.close()
    await rm(dir, { recursive: true })
  },
)

test('a directory that cannot be made and a store that is no URL are told in one line, exit 1', async () => {
  for (const args of [
    ['--data', '/proc/spanlink'],
    ['--data', await mkdtemp(join(tmpdir(), 'spanlink-cli-')), '--store', 'postgres://x'],
  ]) {
    const { code, stderr } = await run('serve', ...args)
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
  }
})

test('SIGTERM drains: what was acknowledged is there after a restart, and the exit is 0', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
  const one = span({ start: nowNano() })
  const first = await startSpanlink({ dataDir })
  expect((await first.sendSpans(tracesOf('drained', [one]))).status).toBe(200)
  expect(await first.kill('SIGTERM')).toBe(0)
  await using second = await startSpanlink({ dataDir })
  expect(await second.getJson('/api/status')).toMatchObject({ journal: { segments: 0 }, store: { spans: 1 } })
  expect(await second.getJson(`/api/traces/${one.traceId}`)).toMatchObject({ spans: [{ spanId: one.spanId }] })
  await second.stop()
  await rm(dataDir, { recursive: true })
})
