import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseFlags } from '../../packages/server/src/cli/args.ts'
import { serveFlags } from '../../packages/server/src/cli/serve/serve-options.ts'
import { command } from '../../packages/testkit/src/process/command.ts'
import { startSpanlink } from '../../packages/testkit/src/spanlink.ts'
import { check } from './checks.ts'
import { installTools, run, type Tools } from './tools.ts'

const CHART = fileURLToPath(new URL('../helm/spanlink', import.meta.url))
const MAIN = fileURLToPath(new URL('../../packages/server/dist/cli/main.js', import.meta.url))
/** The validator's own schemas, from the oldest supported Kubernetes on. */
const VERSIONS = ['1.27', '1.30']
const KUBE_VERSION = ['--kube-version', '1.37.0']

export async function checkChart(): Promise<void> {
  let tools: Tools | undefined
  await check('helm and the schemas of Kubernetes', async () => (tools = await installTools()))
  if (tools === undefined) return
  const { helm } = tools
  for (const file of await listValues('ci')) {
    await check(`chart with ${file}`, () => checkValues(tools!, join(CHART, 'ci', file)))
  }
  for (const file of await listValues('ci-invalid')) {
    await check(`chart refuses ${file}`, () => checkRefusal(helm, join(CHART, 'ci-invalid', file)))
  }
  await check('the server runs with the arguments and tokens of the chart', () => checkServer(helm))
}

async function listValues(folder: string): Promise<readonly string[]> {
  return (await readdir(join(CHART, folder))).filter((name) => name.endsWith('.yaml'))
}

async function checkValues({ helm, validator, newestSchemas, customResources }: Tools, values: string): Promise<void> {
  await run(helm, ['lint', CHART, '--strict', '--values', values, ...KUBE_VERSION])
  const rendered = await render(helm, ['--values', values])
  parseFlags(readArgs(rendered).slice(1), serveFlags, {})
  const folder = await mkdtemp(join(tmpdir(), 'spanlink-chart-'))
  const file = join(folder, 'rendered.yaml')
  try {
    await writeFile(file, rendered)
    const schemas = ['--local-crds', customResources]
    for (const version of VERSIONS) await run(validator, [file, '--version', version, ...schemas])
    await run(validator, [file, '--local-schemas', newestSchemas, ...schemas])
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Of the first container. */
function readArgs(rendered: string): readonly string[] {
  const [, block = ''] = /^ +args:\n((?: +- .*\n)+)/m.exec(rendered) ?? []
  return [...block.matchAll(/^ +- (.*)$/gm)].map(([, text = '']) => (text.startsWith('"') ? JSON.parse(text) : text))
}

/** The first line of the file says what the error has to name. */
async function checkRefusal(helm: string, values: string): Promise<void> {
  const [, expected = ''] = /^# expect: (.*)$/m.exec(await readFile(values, 'utf8')) ?? []
  const { code, stderr } = await command(helm, ['template', 'demo', CHART, '--values', values, ...KUBE_VERSION])
  if (code === 0) throw new Error('it was rendered')
  if (!stderr.includes(expected)) throw new Error(`expected "${expected}" in: ${stderr}`)
}

async function render(helm: string, args: readonly string[]): Promise<string> {
  return await run(helm, ['template', 'demo', CHART, '--namespace', 'tracing', ...KUBE_VERSION, ...args])
}

async function checkServer(helm: string): Promise<void> {
  const rendered = await render(helm, [])
  const secret = (key: string): string => new RegExp(`^  ${key}: (.*)$`, 'm').exec(rendered)?.[1] ?? ''
  const folder = await mkdtemp(join(tmpdir(), 'spanlink-chart-'))
  try {
    const tokens = join(folder, 'tokens.json')
    await writeFile(tokens, JSON.parse(secret('tokens.json')) as string)
    const args = readArgs(rendered)
      .slice(1)
      // The log as text, because the ready line is read from it; the others are paths in the pod.
      .filter((arg) => !/^--(log-format|data|tokens)=/.test(arg))
    const token = secret('admin-token')
    await using server = await startSpanlink({ main: MAIN, args: [...args, '--tokens', tokens], token })
    const request = async (path: string, key?: string, host = 'demo-spanlink.tracing.svc'): Promise<number> => {
      const authorization = key === undefined ? [] : ['--header', `authorization: Bearer ${secret(key)}`]
      const format = ['--silent', '--output', join(folder, 'body'), '--write-out', '%{http_code}']
      return Number(await run('curl', [...format, '--header', `host: ${host}`, ...authorization, server.url + path]))
    }
    await expectStatus('the probe', 200, await request('/api/ready'))
    await expectStatus('no token', 401, await request('/api/traces'))
    await expectStatus('the admin token', 200, await request('/api/traces', 'admin-token'))
    await expectStatus('the ingest token', 403, await request('/api/traces', 'ingest-token'))
    await expectStatus("the ServiceMonitor's token", 200, await request('/metrics', 'read-token'))
    await expectStatus('another host', 403, await request('/api/traces', 'admin-token', 'evil.example'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function expectStatus(request: string, expected: number, status: number): Promise<void> {
  if (status !== expected) throw new Error(`${request}: expected ${expected}, not ${status}`)
}
