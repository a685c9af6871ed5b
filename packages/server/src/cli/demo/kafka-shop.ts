import { createRequire } from 'node:module'
import { connect } from 'node:net'
import process from 'node:process'
import { CommandError, exitCodes } from '../api-client.ts'
import type { SpanlinkServer } from '../serve/serve.ts'
import { markDataDir } from './data-dir.ts'
import { openBrowser } from './open-browser.ts'
import type { DemoOptions } from './stream-samples.ts'

/** What the shop imports. The server has none of it. */
const PACKAGES = [
  '@spanlink/kafka',
  'kafkajs',
  '@opentelemetry/api',
  '@opentelemetry/sdk-node',
  '@opentelemetry/instrumentation-http',
]
const CONNECT_TIMEOUT_MS = 5000

/** examples/shop, which the build compiles into this folder. */
const SHOP = new URL(
  import.meta.url.endsWith('.ts') ? '../../../../../examples/shop/src/start-shop.ts' : './shop/start-shop.js',
  import.meta.url,
)

type ShopModule = {
  readonly startShop: (options: {
    readonly brokers: readonly string[]
    readonly otlp: string
    readonly nodeArgs: readonly string[]
  }) => Promise<{
    readonly gateway: string
    readonly died: Promise<never>
    readonly startLoad: (rate: number) => Promise<void>
    readonly stop: () => Promise<void>
  }>
}

export type KafkaShop = {
  readonly run: (server: SpanlinkServer, options: DemoOptions, stopped: AbortSignal) => Promise<void>
}

/**
 * The services of examples/shop, to run on a real Kafka.
 *
 * @throws CommandError if a package is not installed, or no broker can be reached
 */
export async function findShop(brokers: readonly string[]): Promise<KafkaShop> {
  const { resolve } = createRequire(SHOP)
  const missing = PACKAGES.filter((name) => !canResolve(resolve, name))
  if (missing.length > 0) {
    throw new CommandError(
      exitCodes.failed,
      `demo --kafka needs packages that are not installed: npm install spanlink ${missing.join(' ')}`,
    )
  }
  const errors = await Promise.all(brokers.map(tryConnect))
  if (!errors.includes(undefined)) {
    throw new CommandError(
      exitCodes.unreachable,
      `no Kafka broker answers on ${brokers.join(', ')} (${errors[0]}). Start Kafka, or run spanlink demo without --kafka.`,
    )
  }
  hideTimerWarnings()
  const { startShop } = (await import(SHOP.href)) as ShopModule
  return {
    run: async (server, { rate, isBrowserWanted, out }, stopped) => {
      markDataDir(server.dataDir)
      out.line(`Starting the shop on Kafka ${brokers.join(',')} …`)
      const shop = await startShop({
        brokers,
        otlp: server.otlpHttpUrl,
        nodeArgs: process.execArgv.filter(isCondition),
      })
      try {
        await shop.startLoad(rate)
        out.line(`The shop is open, with new orders until Ctrl-C: ${server.url}`)
        out.line(`Place one of your own with POST ${shop.gateway}/orders`)
        if (isBrowserWanted) openBrowser(server.url)
        const stop = new Promise<void>((onStop) => stopped.addEventListener('abort', () => onStop()))
        if (!stopped.aborted) await Promise.race([stop, shop.died])
      } finally {
        await shop.stop()
      }
    },
  }
}

/**
 * kafkajs 2.2.4 sets timers in the past, and Node 24 warns of each
 * (https://github.com/tulios/kafkajs/issues/1751).
 */
function hideTimerWarnings(): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    if (name !== 'TimeoutNegativeWarning') process.stderr.write(`${name}: ${message}\n`)
  })
}

function isCondition(flag: string): boolean {
  return flag.startsWith('--conditions=')
}

function canResolve(resolve: NodeJS.RequireResolve, name: string): boolean {
  try {
    return resolve(name) !== ''
  } catch {
    return false
  }
}

/** @returns the error, undefined if the broker accepts a connection */
async function tryConnect(broker: string): Promise<string | undefined> {
  const [host = '', port] = broker.split(':')
  return await new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: CONNECT_TIMEOUT_MS })
    const end = (error: string | undefined): void => {
      socket.destroy()
      resolve(error)
    }
    socket.on('connect', () => end(undefined))
    socket.on('timeout', () => end(`no answer in ${CONNECT_TIMEOUT_MS / 1000} s`))
    socket.on('error', ({ message }) => end(message))
  })
}
