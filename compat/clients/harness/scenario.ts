import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { KafkaBroker } from '@spanlink/testkit/kafka'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { Client } from './clients.ts'
import { connectAdmin, type KafkaState, waitUntil } from './kafka-state.ts'
import { exportLag } from './lag.ts'
import { startProgram } from './programs.ts'

export const ORDERS = 'orders'
export const LEDGER = 'ledger'

export const outputTopic = (client: Client): string => `shipments.${client.name}`
export const retryTopic = (client: Client): string => `orders.retry.${client.name}`
export const deadLetterTopic = (client: Client): string => `orders.dlq.${client.name}`

/** A message that waited for so long is late, and none of the others waited for so long. */
export const LATE_MS = 6_000

const CRASH_CODE = 3

/** The orders, in the order they are sent in: key and offset of each are known. */
const ACTIONS = {
  shipped: { action: 'ship' },
  retried: { action: 'retry' },
  rejected: { action: 'reject' },
  redelivered: { action: 'crash' },
  late: { action: 'ship', last: true },
  unconsumed: { action: 'ship' },
} as const

export type OrderName = keyof typeof ACTIONS

export type SentOrder = {
  /** Also its key. */
  readonly id: string
  /** Of the gateway's request. */
  readonly traceId: string
  readonly offset: string
}

export type Played = {
  readonly orders: Readonly<Record<OrderName, SentOrder>>
  /** Clients that did their part. */
  readonly clients: readonly Client[]
  /** Why the others did not, by name. */
  readonly failures: ReadonlyMap<string, Error>
}

type Runnable = { readonly client: Client; readonly argv: readonly string[] }

/**
 * Runs every client through the same six orders, step by step; a client that fails is left out of
 * the next steps.
 */
export async function playScenario(
  kafka: KafkaBroker,
  spanlink: SpanlinkServer,
  runnables: readonly Runnable[],
): Promise<Played> {
  const all = runnables.map(({ client }) => client)
  const topics = all.flatMap((client) => [outputTopic(client), retryTopic(client), deadLetterTopic(client)])
  for (const topic of [ORDERS, ...topics]) await kafka.createTopic(topic)
  const state = await connectAdmin(kafka.brokers)
  const telemetry = {
    KAFKA_BROKERS: kafka.brokers.join(','),
    OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_PROPAGATORS: 'tracecontext',
    OTEL_LOGS_EXPORTER: 'none',
  }
  const node = async (name: string, env: Readonly<Record<string, string>>) =>
    await startProgram(
      name,
      [process.execPath, fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url))],
      { ...telemetry, OTEL_SERVICE_NAME: name, ...env },
      0,
    )
  const gateway = await node('gateway', { ORDERS_TOPIC: ORDERS })
  const ledger = await node(LEDGER, { GROUP: LEDGER, OUTPUT_TOPICS: all.map(outputTopic).join(',') })
  const gatewayUrl = await gateway.ready
  await waitUntil('the ledger consumes', () => state.isConsuming(LEDGER))

  const subscriptions = all.flatMap((client) => [
    { group: client.name, topic: ORDERS },
    { group: client.name, topic: retryTopic(client) },
    { group: LEDGER, topic: outputTopic(client) },
  ])
  const failures = new Map<string, Error>()
  const forEach = async <T>(of: readonly T[], client: (one: T) => Client, step: (one: T) => Promise<void>) => {
    const active = of.filter((one) => !failures.has(client(one).name))
    await Promise.all(
      active.map(async (one) => await step(one).catch((error: Error) => void failures.set(client(one).name, error))),
    )
  }
  const start = async (run: '1' | '2', exitCode: number) =>
    await Promise.all(
      runnables.map(async ({ client, argv }) => ({
        client,
        program: await startProgram(client.name, argv, { ...telemetry, ...clientEnv(client), RUN: run }, exitCode),
      })),
    )
  const step = async (
    runs: Awaited<ReturnType<typeof start>>,
    what: string,
    until: (client: Client) => Promise<boolean>,
  ) =>
    await forEach(
      runs,
      ({ client }) => client,
      async ({ client, program }) => {
        const early = program.ended.then(() => Promise.reject(new Error(`${client.name} ended before it ${what}`)))
        early.catch(() => {})
        await Promise.race([waitUntil(`${client.name} ${what}`, () => until(client)), early])
      },
    )

  const orders = {} as Record<OrderName, SentOrder>
  const send = async (name: OrderName): Promise<void> => void (orders[name] = await postOrder(gatewayUrl, name))
  const first = await start('1', CRASH_CODE)
  await step(first, 'consumes', ({ name }) => state.isConsuming(name))
  // One by one: a poll that returns several orders would put them into one trace of some clients.
  for (const [name, consumed, retries] of [
    ['shipped', 1, 0],
    ['retried', 2, 1],
    ['rejected', 3, 1],
  ] as const) {
    await send(name)
    await step(
      first,
      `consumed the ${name} order`,
      async (client) => await hasConsumed(state, client, consumed, retries),
    )
  }
  await send('redelivered')
  await forEach(
    first,
    ({ client }) => client,
    ({ program }) => program.ended,
  )

  await send('late')
  await sleep(LATE_MS + 1_000)
  const second = await start('2', 0)
  await forEach(
    second,
    ({ client }) => client,
    ({ program }) => program.ended,
  )
  await forEach(
    all,
    (client) => client,
    async (client) => {
      const isDone = async (): Promise<boolean> => (await state.committedOffset(LEDGER, outputTopic(client))) === 4
      await waitUntil(`the ledger has four shipments of ${client.name}`, isDone)
    },
  )
  await exportLag(spanlink, state, subscriptions)
  await send('unconsumed')
  await gateway.terminate()
  await ledger.terminate()
  await exportLag(spanlink, state, subscriptions)
  await state.close()
  await waitUntil('everything received is stored', async () => {
    const status = (await spanlink.getJson('/api/status')) as { readonly journal: { readonly segments: number } }
    return status.journal.segments === 0
  })
  return { orders, clients: all.filter(({ name }) => !failures.has(name)), failures }
}

function clientEnv(client: Client): Readonly<Record<string, string>> {
  return {
    OTEL_SERVICE_NAME: client.name,
    GROUP: client.name,
    ORDERS_TOPIC: ORDERS,
    RETRY_TOPIC: retryTopic(client),
    DEAD_LETTER_TOPIC: deadLetterTopic(client),
    OUTPUT_TOPIC: outputTopic(client),
    ...client.env,
  }
}

async function postOrder(gateway: string, name: OrderName): Promise<SentOrder> {
  const id = `order-${name}`
  const body = JSON.stringify({ id, ...ACTIONS[name] })
  const response = await fetch(`${gateway}/orders`, { method: 'POST', body })
  return { id, ...((await response.json()) as Omit<SentOrder, 'id'>) }
}

async function hasConsumed(state: KafkaState, client: Client, orders: number, retries: number): Promise<boolean> {
  return (
    (await state.committedOffset(client.name, ORDERS)) === orders &&
    (await state.committedOffset(client.name, retryTopic(client))) === retries
  )
}
