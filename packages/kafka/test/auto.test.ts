import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

// Applications without tracing code, each in its own process, that export to a collector of ours.

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const OTEL = fileURLToPath(new URL('./register/otel.ts', import.meta.url))
const AUTO = ['--import=@spanlink/kafka/auto']

interface ExportedSpan {
  readonly name: string
  readonly kind: number
  readonly service: string | undefined
}

let spans: ExportedSpan[] = []
let paths: string[] = []
const collector = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    paths.push(`${request.url} ${request.headers['content-type']}`)
    if (request.headers['content-type'] === 'application/json') spans.push(...readSpans(Buffer.concat(chunks)))
    response.setHeader('content-type', request.headers['content-type'] ?? '').end()
  })
})
beforeAll(() => new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve)))
afterAll(() => collector.close())
afterEach(() => {
  spans = []
  paths = []
})

test.for([['app.mjs'], ['app.cjs']])(
  'the HTTP requests of %s have spans of the service that package.json names',
  async ([app]) => {
    expect(await run(AUTO, [app!])).toMatchObject({ code: 0, stderr: expect.not.stringContaining('auto:') })
    expect(spans.toSorted((a, b) => a.kind - b.kind)).toEqual([
      { name: 'GET', kind: 2, service: '@spanlink/kafka' },
      { name: 'GET', kind: 3, service: '@spanlink/kafka' },
    ])
  },
)

test('--require traces CommonJS, and the protocol is http/protobuf by default', async () => {
  await run(['--require=@spanlink/kafka/auto'], ['app.cjs'], { OTEL_EXPORTER_OTLP_PROTOCOL: undefined })
  expect(paths).toContain('/v1/traces application/x-protobuf')
})

test('OTEL_ variables are respected, and the application sees those only that were set', async () => {
  const { stdout } = await run(AUTO, ['app.mjs'], { OTEL_SERVICE_NAME: 'shop', OTEL_METRICS_EXPORTER: 'none' })
  expect(spans.map(({ service }) => service)).toEqual(['shop', 'shop'])
  expect(paths.filter((path) => path.startsWith('/v1/metrics'))).toEqual([])
  expect(stdout).toBe(
    'variables: OTEL_EXPORTER_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_PROTOCOL,OTEL_SERVICE_NAME,OTEL_METRICS_EXPORTER\n',
  )
})

test('OTEL_RESOURCE_ATTRIBUTES can name the service', async () => {
  await run(AUTO, ['app.mjs'], { OTEL_RESOURCE_ATTRIBUTES: 'team=a, service.name=billing' })
  expect(spans.map(({ service }) => service)).toEqual(['billing', 'billing'])
})

test('OTEL_SDK_DISABLED=true exports nothing', async () => {
  expect(await run(AUTO, ['app.mjs'], { OTEL_SDK_DISABLED: 'true' })).toMatchObject({ code: 0 })
  expect(paths).toEqual([])
})

test('OTEL_TRACES_SAMPLER with a ratio samples by it', async () => {
  await run(AUTO, ['app.mjs'], { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' })
  expect(spans).toEqual([])
})

test('loaded twice, and together with register, each request has one span', async () => {
  const { code } = await run([...AUTO, '--import=@spanlink/kafka/register', ...AUTO], ['app.mjs'])
  expect([code, spans.length]).toEqual([0, 2])
})

test('an SDK that is started already is kept, with one line', async () => {
  const { stdout, stderr } = await run([`--import=${OTEL}`, ...AUTO], ['app.mjs'])
  expect(stderr.split('\n').filter((line) => line.includes('/auto:'))).toEqual([
    expect.stringContaining('an OpenTelemetry SDK is started already'),
  ])
  expect(stdout).toContain('SDK 3')
  expect(paths).toEqual([])
})

test('an application without signal handlers exports its spans and dies by the signal', async () => {
  const { signal } = await run(AUTO, ['app.mjs', 'serve'], {}, 'SIGTERM')
  expect(signal).toBe('SIGTERM')
  expect(spans).toHaveLength(2)
})

test('an application with a signal handler decides how it ends, and its spans are exported before', async () => {
  const { code } = await run(AUTO, ['app.mjs', 'handler'], {}, 'SIGTERM')
  expect(code).toBe(7)
  expect(spans).toHaveLength(2)
})

test('an application whose endpoint is away ends by itself with its exit code', async () => {
  const { code } = await run(AUTO, ['app.mjs'], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
  expect(code).toBe(0)
})

test('an uncaught error ends the application as it does without tracing', async () => {
  const { code, stderr } = await run(AUTO, ['app.mjs', 'throw'])
  expect(code).toBe(1)
  expect(stderr).toContain('Error: the application failed')
})

/** Runs an application, and sends it a signal once it has written a line. */
async function run(
  flags: readonly string[],
  [app = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string | undefined>> = {},
  signal?: NodeJS.Signals,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }> {
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const child = spawn(process.execPath, ['--conditions=spanlink:source', ...flags, `test/auto/${app}`, ...args], {
    cwd: PACKAGE,
    env: {
      PATH: process.env['PATH'],
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      ...variables,
    },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
    if (signal !== undefined) child.kill(signal)
  })
  child.stderr.on('data', (chunk) => (stderr += chunk))
  return await new Promise((resolve) => {
    child.on('close', (code, by) => resolve({ code, signal: by, stdout, stderr }))
  })
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { stringValue?: string } }[]
    }
    readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string; readonly kind: number }[] }[]
  }[]
}

function readSpans(body: Buffer): readonly ExportedSpan[] {
  const { resourceSpans = [] } = JSON.parse(body.toString()) as Partial<OtlpTraces>
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue
    return scopeSpans.flatMap((scope) => scope.spans.map(({ name, kind }) => ({ name, kind, service })))
  })
}
