import { spawn, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { topics } from './messages.ts'

export interface ShopOptions {
  /** `host:port` of Kafka. */
  readonly brokers: readonly string[]
  /**
   * Where spans and metrics go, the base URL of an OTLP/HTTP receiver. @default
   * http://localhost:4318
   */
  readonly otlp?: string
  /** `half`: of the consumers some link, and some are children. @default 'link' */
  readonly correlation?: ShopCorrelation
  /** @default 0, any free port */
  readonly gatewayPort?: number
  /** Arguments of node before each service's file. @default none */
  readonly nodeArgs?: readonly string[]
  /** On top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

const CORRELATIONS = ['link', 'parent', 'half'] as const
export type ShopCorrelation = (typeof CORRELATIONS)[number]

export function isCorrelation(text: string | undefined): text is ShopCorrelation {
  return CORRELATIONS.some((known) => known === text)
}

export interface Shop {
  /** The gateway's URL. */
  readonly gateway: string
  /** Rejects with the last lines of a service that exits unexpectedly. Never resolves. */
  readonly died: Promise<never>
  /** Adds `load.ts`, at `rate` orders a second. */
  readonly startLoad: (rate?: number) => Promise<void>
  readonly stop: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/**
 * Of `half`: those between the two ends link, so that an order's way changes from one mode to the
 * other, and back.
 */
const LINKING: ReadonlySet<string> = new Set(['inventory', 'fraud'])

const SERVICES = ['gateway', 'payment', 'inventory', 'shipping', 'email', 'fraud', 'review'] as const

/**
 * Makes the topics and starts every service as a process of its own; resolves when all are at work.
 */
export async function startShop(options: ShopOptions): Promise<Shop> {
  await createTopics(options.brokers)
  const env = {
    ...process.env,
    KAFKAJS_NO_PARTITIONER_WARNING: '1',
    KAFKA_BROKERS: options.brokers.join(','),
    OTEL_EXPORTER_OTLP_ENDPOINT: options.otlp ?? 'http://localhost:4318',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    // To see a trace while its order is still on its way; the default is 5 s.
    OTEL_BSP_SCHEDULE_DELAY: '500',
    // For a map whose lag is live; the default is 60 s.
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
    PORT: String(options.gatewayPort ?? 0),
    ...options.env,
  }
  let fail: (error: Error) => void
  const died = new Promise<never>((_, reject) => (fail = reject))
  // Not everybody waits for it.
  died.catch(() => {})
  let stopping = false
  const services: Service[] = []
  const start = async (name: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
    const service = startService(name, options.nodeArgs ?? [], {
      ...env,
      OTEL_SERVICE_NAME: name,
      SHOP_CORRELATION: correlationOf(name, options.correlation ?? 'link'),
      ...more,
    })
    services.push(service)
    void service.ended.then((how) => stopping || fail(new Error(`${name} ${how}`)))
    return await Promise.race([service.ready, died])
  }
  const stop = async (): Promise<void> => {
    stopping = true
    await Promise.all(services.map(async (service) => await service.stop()))
  }

  try {
    const [gateway] = await Promise.all(SERVICES.map(async (name) => await start(name)))
    if (gateway === undefined) throw new Error('the gateway did not say where it listens')
    return {
      gateway,
      died,
      startLoad: async (rate = 2) => {
        await start('load', { SHOP_GATEWAY: gateway, SHOP_RATE: String(rate) })
      },
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function correlationOf(service: string, wanted: ShopCorrelation): 'link' | 'parent' {
  if (wanted !== 'half') return wanted
  return LINKING.has(service) ? 'link' : 'parent'
}

async function createTopics(brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  try {
    await admin.connect()
    await admin.createTopics({
      topics: Object.values(topics).map((topic) => ({ topic, numPartitions: 3, replicationFactor: 1 })),
      waitForLeaders: true,
    })
  } finally {
    await admin.disconnect()
  }
}

interface Service {
  /** Where it is at work, once it is. */
  readonly ready: Promise<string>
  /** How it ended, with its last lines. */
  readonly ended: Promise<string>
  readonly stop: () => Promise<void>
}

/** Long enough to leave a consumer group and send the last spans. */
const STOP_TIMEOUT = 8_000

function startService(name: string, nodeArgs: readonly string[], env: NodeJS.ProcessEnv): Service {
  const file = fileURLToPath(new URL(`${name}${extname(import.meta.url)}`, import.meta.url))
  const child = spawn(
    process.execPath,
    // kafkajs 2.2.4 sets timers in the past, and Node 24 warns of each
    // (https://github.com/tulios/kafkajs/issues/1751).
    ['--disable-warning=TimeoutNegativeWarning', ...nodeArgs, file],
    // The IPC channel tells a service that we are gone, even when we are killed; a group of its own
    // keeps Ctrl-C ours.
    { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
  )
  const lines: string[] = []
  const keep = (line: string): void => {
    lines.push(line)
    if (lines.length > 20) lines.shift()
  }
  const ready = new Promise<string>((resolve) => {
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('ready ')) resolve(line.slice('ready '.length))
        else keep(line)
      })
  })
  if (child.stderr) createInterface({ input: child.stderr }).on('line', keep)
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`did not start: ${error.message}`))
    child.on('close', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}\n${lines.join('\n')}`.trim()))
  })
  return { ready, ended, stop: async () => await stopChild(child, ended) }
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM')
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
  await ended
  clearTimeout(impatience)
}
