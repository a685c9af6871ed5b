// Installs packed packages into an empty folder, as a user does, and uses them.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const START_TIMEOUT_MS = 60_000
const TRACE_ID = '5b8efff798038103d269b633813fc60c'

/** @throws if the packages can't be installed, imported, or don't store and return a span */
export async function smokeTest(tarballs: readonly string[], version: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'spanlink-release-'))
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    run(folder, 'npm', ['install', '--no-audit', '--no-fund', ...tarballs, '@opentelemetry/api'])
    const entry = '@spanlink/kafka'
    run(folder, process.execPath, ['--input-type=module', '-e', `await import('${entry}')`])
    run(folder, process.execPath, ['--input-type=commonjs', '-e', `require('${entry}')`])
    const bin = join(folder, 'node_modules/.bin/spanlink')
    const printed = run(folder, bin, ['--version']).trim()
    if (printed !== version) throw new Error(`spanlink --version prints ${printed}, not ${version}`)
    await storeOneSpan(folder, bin)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function storeOneSpan(folder: string, bin: string): Promise<void> {
  const ports = ['--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0']
  const server = spawn(bin, ['serve', '--data', 'data', ...ports], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => server.on('close', resolve))
  const deadline = setTimeout(() => server.kill('SIGKILL'), START_TIMEOUT_MS)
  try {
    const { url, otlp } = await readEndpoints(server.stdout)
    const now = BigInt(Date.now()) * 1_000_000n
    const span = { traceId: TRACE_ID, spanId: 'eee19b7ec3c1b174', name: 'release', kind: 4 }
    const times = { startTimeUnixNano: String(now), endTimeUnixNano: String(now + 1n) }
    const sent = await fetch(`${otlp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, ...times }] }] }] }),
    })
    if (!sent.ok) throw new Error(`OTLP/HTTP returned ${sent.status}: ${await sent.text()}`)
    while (!(await fetch(`${url}/api/traces/${TRACE_ID}`)).ok) await sleep(100)
    if (!(await (await fetch(url)).text()).includes('<script')) throw new Error('the UI is not served')
    server.kill('SIGTERM')
    const code = await ended
    if (code !== 0) throw new Error(`the server exited with code ${code}`)
  } finally {
    clearTimeout(deadline)
    server.kill('SIGKILL')
    await ended
  }
}

async function readEndpoints(stdout: NodeJS.ReadableStream): Promise<{ readonly url: string; readonly otlp: string }> {
  let url: string | undefined
  for await (const line of createInterface({ input: stdout })) {
    url ??= /Spanlink is ready on (\S+)/.exec(line)?.[1]
    const otlp = /OTLP\/HTTP on ([^\s,]+)/.exec(line)?.[1]
    if (url !== undefined && otlp !== undefined) return { url, otlp }
  }
  throw new Error('the server did not start')
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  }
  return stdout
}
