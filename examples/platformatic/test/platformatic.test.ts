import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'

test('each order is a trace of its own with its commit, linked to the span that created its message', async () => {
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
  expect(stdout).toBe('packed mug\npacked tea\npacked spoon\n')

  const get = async (path: string): Promise<unknown> => await spanlink.getJson(path)
  const tracesOf = async (): Promise<readonly Trace[]> => {
    const { traces } = (await get('/api/traces')) as { readonly traces: readonly { readonly traceId: string }[] }
    return await Promise.all(traces.map(async ({ traceId }) => (await get(`/api/traces/${traceId}`)) as Trace))
  }
  const traces = await eventually(async () => {
    const all = await tracesOf()
    return all.length === 4 ? all : undefined
  })
  const sent = traces.find(({ spans }) => spans.some(({ name }) => name === 'send platformatic-orders'))!
  const created = sent.spans.filter(({ name }) => name === 'create platformatic-orders')
  const processed = traces.filter((one) => one !== sent)
  expect(processed.map(namesOf)).toEqual(
    processed.map(() => ['commit platformatic-orders', 'process platformatic-orders']),
  )
  const targets = processed.map(({ spans }) => spans.flatMap(({ links }) => links.map(({ spanId }) => spanId)))
  expect(targets.toSorted()).toEqual(created.map(({ spanId }) => [spanId]).toSorted())
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
