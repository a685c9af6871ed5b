import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink, type SpanlinkServer } from '@spanlink/testkit/spanlink'
import { afterAll, beforeAll } from 'vitest'
import { type Shop, type ShopCorrelation, startShop } from '../src/start-shop.ts'

export interface OpenShop {
  readonly spanlink: SpanlinkServer
  readonly shop: Shop
  /** Closes the shop and starts Spanlink again on the same data. */
  readonly restartSpanlink: () => Promise<SpanlinkServer>
}

/**
 * One shop with its own Kafka and Spanlink for all tests of a file, because it takes ten processes:
 * `const open = useShop('link')`, then `open().spanlink` in a test.
 */
export function useShop(correlation: ShopCorrelation): () => OpenShop {
  const resources = new AsyncDisposableStack()
  let opened: OpenShop | undefined
  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-shop-'))
    resources.defer(async () => await rm(dataDir, { recursive: true, force: true }))
    const kafka = resources.use(await startKafka())
    const spanlink = resources.use(await startSpanlink({ dataDir }))
    const shop = resources.use(
      await startShop({
        brokers: kafka.brokers,
        otlp: spanlink.otlpHttp,
        correlation,
        nodeArgs: ['--conditions=spanlink:source'],
        env: { OTEL_METRIC_EXPORT_INTERVAL: '1000' },
      }),
    )
    const restartSpanlink = async (): Promise<SpanlinkServer> => {
      await shop.stop()
      await spanlink.stop()
      return resources.use(await startSpanlink({ dataDir }))
    }
    opened = { spanlink, shop, restartSpanlink }
  }, 600_000)
  afterAll(async () => await resources.disposeAsync())
  return () => {
    if (opened === undefined) throw new Error('the shop opens in beforeAll: use it inside a test')
    return opened
  }
}

interface NewOrder {
  readonly tier: string
  readonly amount: number
}

/** Places an order of one mug; returns the trace id of its request. */
export async function placeOrder({ gateway }: Shop, order: NewOrder): Promise<string> {
  const response = await fetch(`${gateway}/orders`, {
    method: 'POST',
    body: JSON.stringify({ customer: 'c-1', items: [{ sku: 'mug', count: 1 }], ...order }),
  })
  if (response.status !== 202) throw new Error(`the gateway returned ${response.status}: ${await response.text()}`)
  const { traceId } = (await response.json()) as { readonly traceId: string }
  return traceId
}
