import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'

test('an order, its question for a price and the answer are four linked traces, one for each hop', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  const file = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=spanlink:source', file('main.ts')], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      ...process.env,
      KAFKA_BROKERS: kafka.brokers.join(),
      OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp,
    },
  })
  expect(stdout).toBe('mug costs 3\n')

  const get = async (path: string): Promise<unknown> => await spanlink.getJson(path)
  const tracesOf = async (): Promise<readonly Trace[]> => {
    const { traces } = (await get('/api/traces')) as { readonly traces: readonly { readonly traceId: string }[] }
    return await Promise.all(traces.map(async ({ traceId }) => (await get(`/api/traces/${traceId}`)) as Trace))
  }
  const traces = await eventually(async () => {
    const all = await tracesOf()
    return all.length >= 4 ? all : undefined
  })
  expect(traces.map(namesOf).toSorted()).toEqual([
    ['POST /orders', 'send nest-orders'],
    ['process nest-orders', 'send nest-price'],
    ['process nest-price', 'send nest-price.reply'],
    ['process nest-price.reply'],
  ])
  const spanOf = (name: string) => traces.flatMap(({ spans }) => spans).find((span) => span.name === name)!
  for (const topic of ['nest-orders', 'nest-price', 'nest-price.reply']) {
    const { links } = spanOf(`process ${topic}`)
    expect(links.map(({ spanId }) => spanId)).toEqual([spanOf(`send ${topic}`).spanId])
  }
  // What a handler sends is below its process span, also what Nest sends for it.
  expect(spanOf('send nest-price').parentSpanId).toBe(spanOf('process nest-orders').spanId)
  expect(spanOf('send nest-price.reply').parentSpanId).toBe(spanOf('process nest-price').spanId)
})

interface Trace {
  readonly spans: readonly {
    readonly spanId: string
    readonly parentSpanId: string
    readonly name: string
    readonly links: readonly { readonly spanId: string }[]
  }[]
}

function namesOf({ spans }: Trace): string[] {
  return spans.map(({ name }) => name).toSorted()
}

/** Asks until there is an answer; the test's own time limit ends it. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
