import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test, vi } from 'vitest'
import { openEmbeddedStore } from '../../src/clickhouse/engine/open-embedded.ts'
import { nowNano, span } from '../query/order-spans.ts'

// Each test starts processes, which takes up to half a minute under load.
vi.setConfig({ testTimeout: 120_000 })

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const freePorts = ['--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0'] as const

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

async function run(...args: string[]): Promise<Ended> {
  return await runIn(process.env, ...args)
}

async function runIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=spanlink:source', main, ...args], {
    stdio: 'pipe',
    env,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => (stdout += data))
  child.stderr.on('data', (data) => (stderr += data))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

test.concurrent.each([
  [['--frobnicate'], '--frobnicate'],
  [['serve', '--data'], '--data'],
  [['serve', 'extra'], 'extra'],
  [['frobnicate'], 'frobnicate'],
  [['serve', '--port', '70000'], '70000'],
  [['--retention', '7x'], 'invalid --retention "7x": expected a duration such as 7d, 12h or 30m'],
  [['--max-disk', '-1GB'], '--max-disk'],
  [['--max-memory', '100MB'], 'invalid --max-memory "100MB": expected a size'],
  [['--log-level', 'loud'], 'invalid --log-level "loud": expected debug, info, warn, error'],
  [['--log-format', 'xml'], 'xml'],
  [['--redact', 'a,/(b/'], 'invalid --redact: /(b/: error parsing regexp'],
  [['--redact', ''], 'invalid --redact: "" is neither an attribute name nor a /pattern/'],
])('spanlink %j exits with code 2 and one line with %s', async (args, named) => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stdout, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, stdout: '', lines: 1 })
  expect(stderr).toContain(named)
})

test('--kafka-brokers without kafkajs exits with one line that names the package and creates no data directory', async () => {
  const hidden = `import { registerHooks } from 'node:module'
    registerHooks({ resolve: (name, context, next) => {
      if (name === 'kafkajs') throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' })
      return next(name, context)
    } })`
  const env = { ...process.env, NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hidden)}` }
  const parent = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
  try {
    const data = join(parent, 'data')
    const { code, stdout, stderr } = await runIn(env, '--data', data, '--kafka-brokers', 'localhost:9092', ...freePorts)
    expect({ code, stdout, lines: stderr.trim().split('\n') }).toEqual({
      code: 1,
      stdout: '',
      lines: [expect.stringContaining('npm install kafkajs')],
    })
    expect(await readdir(parent)).toEqual([])
  } finally {
    await rm(parent, { recursive: true })
  }
})

test('a TLS file that is not PEM exits with code 2 and one line with its flag, and creates no data directory', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
  const file = join(parent, 'ca.pem')
  await writeFile(file, 'secret1\n')
  const kafka = ['--kafka-brokers', '127.0.0.1:1', '--kafka-tls-ca', file]
  const otlp = ['--tls-cert', file, '--tls-key', file]
  const ended = [kafka, otlp].map((args) => run('--data', join(parent, 'data'), ...args, ...freePorts))
  for (const [at, flag] of ['--kafka-tls-ca', '--tls-cert'].entries()) {
    const { code, stderr } = (await ended[at]) as Ended
    expect([code, stderr]).toEqual([
      2,
      `spanlink: invalid ${flag} ${JSON.stringify(file)}: expected certificates in PEM\n`,
    ])
  }
  expect(await readdir(parent)).toEqual(['ca.pem'])
  await rm(parent, { recursive: true })
})

test('--help and --version print to stdout and exit with code 0', async () => {
  expect(await run('serve', '--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--retention'),
    stderr: '',
  })
  expect(await run('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})

test('a second server on the same data directory exits with one line and the first keeps running', async () => {
  await using first = await startSpanlink()
  const lock = join(first.dataDir, 'lock')
  const before = [await readFile(lock, 'utf8'), (await stat(lock)).mtimeMs]
  const { code, stderr } = await run('serve', '--data', first.dataDir, ...freePorts)
  expect([await readFile(lock, 'utf8'), (await stat(lock)).mtimeMs]).toEqual(before)
  expect(code).toBe(7)
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`process ${first.pid}`)])
  expect(await first.getJson('/api/ready')).toEqual({ ready: true })
})

test.each(['--port', '--otlp-http-port', '--otlp-grpc-port'])(
  'a server whose port is in use exits with code 5 and one line that names %s',
  async (flag) => {
    const dir = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = String(typeof address === 'object' ? address?.port : '')
    const ports = { '--port': '0', '--otlp-http-port': '0', '--otlp-grpc-port': '0', [flag]: port }
    const { code, stderr } = await run('serve', '--data', dir, ...Object.entries(ports).flat())
    expect(code).toBe(5)
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`Port ${port} is in use.*${flag}`))])
    expect(await readdir(dir)).toEqual([])
    other.close()
    await rm(dir, { recursive: true })
  },
)

test.each([
  ['a data directory that cannot be created', ['--data', '/proc/spanlink'], 6],
  ['an invalid store URL', ['--store', 'postgres://x'], 9],
  ['an unreachable store', ['--store', 'clickhouse://u@127.0.0.1:1/spanlink'], 9],
] as const)('a server with %s exits with one line and its own exit code', async (_what, args, exit) => {
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
  const { code, stderr } = await run('serve', '--data', dir, ...freePorts, ...args)
  expect([code, stderr.trim().split('\n').length]).toEqual([exit, 1])
  await rm(dir, { recursive: true })
})

test('a server on the data directory of a newer version exits with code 8 and one line', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-cli-'))
  const store = await openEmbeddedStore(dataDir)
  const row = Buffer.alloc(8)
  row.writeUInt32LE(1000)
  await store.insert('schema_migrations' as 'spans', [row], 'newer')
  await store.close()
  const { code, stderr } = await run('serve', '--data', dataDir, ...freePorts)
  expect([code, stderr.trim().split('\n').length]).toEqual([8, 1])
  expect(stderr).toContain('newer')
  await rm(dataDir, { recursive: true })
})

test('--log-format json writes each stderr line as an object with time, level and message', async () => {
  const { code, stderr } = await run('serve', '--data', '/proc/spanlink', ...freePorts, '--log-format', 'json')
  expect(code).toBe(6)
  expect(JSON.parse(stderr)).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: 'error',
    message: expect.stringContaining('Cannot keep data in /proc/spanlink'),
    exitCode: 6,
  })
})

test('--help lists client commands separately from other commands', async () => {
  const { stdout } = await run('--help')
  const [client = '', other = ''] = stdout.split('Other commands:')
  expect(client).toContain('  trace ')
  expect(client).not.toContain('  migrate ')
  expect(other).toContain('  migrate ')
})

test('a server exits with code 0 on SIGTERM and stores acknowledged spans at the next start', async () => {
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
