// npm run demo: Kafka, Spanlink and the shop, with orders coming in until Ctrl-C.
// node scripts/demo.ts [--no-open] [--rate ORDERS_PER_SECOND] [--correlation link|parent|half]
// [--data DIR]
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isCorrelation, startShop, type Shop, type ShopCorrelation } from '../examples/shop/src/start-shop.ts'
import { command } from '../packages/testkit/src/process/command.ts'
import { startGuarded, type GuardedProcess } from '../packages/testkit/src/process/guarded-process.ts'
import { startKafka, type KafkaBroker } from '../packages/testkit/src/kafka/kafka.ts'

const UI = 'http://127.0.0.1:4319'
const OTLP = 'http://127.0.0.1:4318'

const { rate, correlation, data, open } = options()
/** What runs, in the order it is to be stopped in. */
const running: (() => Promise<unknown>)[] = []
let stopping: Promise<void> | undefined

// kafkajs 2.2.4 sets a timer in the past, and Node 24 says so
// (https://github.com/tulios/kafkajs/issues/1751).
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`)
})
process.on('SIGINT', () => void stop(0))
process.on('SIGTERM', () => void stop(0))

try {
  await portsFree()
  await demo()
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
  await stop(1)
}

async function demo(): Promise<void> {
  say('Starting Kafka …')
  const kafka = await keep(await startKafka(), async (broker: KafkaBroker) => await broker.stop())
  say('Starting Spanlink …')
  const server = await keep(await startServer(), stopServer)
  await readiness(server)
  say('Opening the shop …')
  const shop = await keep(
    await startShop({ brokers: kafka.brokers, otlp: OTLP, correlation }),
    async (all: Shop) => await all.stop(),
  )
  const failure = Promise.race([kafka.died, shop.died, diesUnasked(server)])
  await Promise.race([shop.startLoad(rate), failure])
  say('Waiting for the first traces …')
  while (!(await spansStored())) await Promise.race([sleep(200), failure])

  say('')
  process.stdout.write(`Spanlink shows the shop's traces on ${UI}\n`)
  process.stdout.write(`Place an order of your own with POST ${shop.gateway}/orders; Ctrl-C ends everything.\n`)
  if (open) await openBrowser(UI)
  for (;;) {
    const spans = await spansStored()
    if (spans !== undefined) status(`${spans} spans of ${await servicesSeen()} services`)
    await Promise.race([sleep(2000), failure])
  }
}

function options(): {
  readonly rate: number
  readonly correlation: ShopCorrelation
  readonly data: string | undefined
  readonly open: boolean
} {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '2' },
      correlation: { type: 'string', default: process.env['SHOP_CORRELATION'] ?? 'link' },
      data: { type: 'string' },
      'no-open': { type: 'boolean', default: false },
    },
  })
  const wanted = Number(values.rate)
  if (!(wanted > 0)) fail(`--rate is orders a second, a number above 0, not ${values.rate}`)
  if (!isCorrelation(values.correlation)) {
    fail(`--correlation is link, parent or half, not ${values.correlation}`)
  }
  return {
    rate: wanted,
    correlation: values.correlation,
    data: values.data,
    open: !values['no-open'] && process.stdout.isTTY,
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

/** Keeps what was started for `stop`, and stops it at once if that has begun meanwhile. */
async function keep<T>(started: T, end: (started: T) => Promise<unknown>): Promise<T> {
  running.unshift(async () => await end(started))
  if (stopping) {
    await end(started)
    await new Promise(() => {})
  }
  return started
}

async function stop(code: number): Promise<void> {
  stopping ??= (async () => {
    say('Stopping …')
    for (const end of running) await end().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
    say('')
    process.exit(code)
  })()
  await stopping
}

async function portsFree(): Promise<void> {
  for (const url of [UI, OTLP]) {
    const port = Number(new URL(url).port)
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (!free)
      throw new Error(`Port ${port} is taken: is another Spanlink or collector running? Stop it, then try again.`)
  }
}

async function startServer(): Promise<GuardedProcess> {
  const main = fileURLToPath(new URL('../packages/server/dist/cli/main.js', import.meta.url))
  const temporary = data ?? (await mkdtemp(join(tmpdir(), 'spanlink-demo-')))
  if (data === undefined) running.unshift(async () => await rm(temporary, { recursive: true, force: true }))
  return await startGuarded([process.execPath, main, 'serve', '--data', temporary], {
    orphanedDirectory: data === undefined ? temporary : undefined,
  })
}

async function readiness(server: GuardedProcess): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    server.onLine((line) => line.includes('Spanlink is ready') && resolve())
  })
  await Promise.race([ready, diesUnasked(server)])
}

async function stopServer(server: GuardedProcess): Promise<void> {
  if (!server.hasEnded()) process.kill(server.pid, 'SIGTERM')
  const impatience = setTimeout(() => server.hasEnded() || process.kill(server.pid, 'SIGKILL'), 10_000)
  await server.ended()
  clearTimeout(impatience)
}

async function diesUnasked(server: GuardedProcess): Promise<never> {
  const code = await server.ended()
  // A server that ends because we stop it is no failure.
  if (stopping) return await new Promise(() => {})
  throw new Error(`Spanlink ended with code ${code}:\n${server.output()}`)
}

async function spansStored(): Promise<number | undefined> {
  const answer = (await get('/api/status')) as { readonly store?: { readonly spans?: number } } | undefined
  return answer?.store?.spans
}

async function servicesSeen(): Promise<number> {
  const answer = (await get('/api/services')) as { readonly services?: readonly string[] } | undefined
  return answer?.services?.length ?? 0
}

/**
 * Undefined while the server has no answer: it may be busy, and if it is dead we are told
 * otherwise.
 */
async function get(path: string): Promise<unknown> {
  try {
    const response = await fetch(UI + path, { signal: AbortSignal.timeout(5000) })
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined
  }
}

async function openBrowser(url: string): Promise<void> {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const desktop = process.platform === 'darwin' || process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']
  if (desktop) await command(opener, [url], { timeout: 5000 })
}

/** One line that says what is going on; on a terminal the next one takes its place. */
function say(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`)
  else if (line) process.stdout.write(`${line}\n`)
}

function status(line: string): void {
  if (process.stdout.isTTY) say(line)
}
