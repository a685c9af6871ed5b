import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'

test.skipIf(isMissing())('each order is a trace of its own, linked to the span that created its message', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=spanlink:source', fileURLToPath(new URL('../src/main.ts', import.meta.url))],
    {
      env: {
        ...process.env,
        KAFKA_BROKERS: kafka.brokers.join(),
        OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp,
      },
    },
  )
  expect(stdout).toBe('packed mug\npacked tea\npacked spoon\n')

  const get = async (path: string): Promise<unknown> => await spanlink.getJson(path)
  const summaries = await eventually(async () => {
    const { traces } = (await get('/api/traces')) as { readonly traces: readonly { readonly traceId: string }[] }
    return traces.length === 4 ? traces : undefined
  })
  const traces = await Promise.all(summaries.map(async ({ traceId }) => (await get(`/api/traces/${traceId}`)) as Trace))
  const sent = traces.find(({ spans }) => spans.length === 4)!
  expect(namesOf(sent)).toEqual([
    'create confluent-orders',
    'create confluent-orders',
    'create confluent-orders',
    'send confluent-orders',
  ])
  const created = sent.spans.filter(({ name }) => name.startsWith('create'))
  const processed = traces.filter((one) => one !== sent)
  expect(processed.map(namesOf)).toEqual(processed.map(() => ['process confluent-orders']))
  const targets = processed.map(({ spans }) => spans[0]?.links.map(({ spanId }) => spanId))
  expect(targets.toSorted()).toEqual(created.map(({ spanId }) => [spanId]).toSorted())
})

interface Trace {
  readonly spans: readonly {
    readonly spanId: string
    readonly name: string
    readonly links: readonly { readonly spanId: string }[]
  }[]
}

function namesOf({ spans }: Trace): string[] {
  return spans.map(({ name }) => name).toSorted()
}

/** The client's addon may be missing; the build of it is no part of this test. */
function isMissing(): boolean {
  try {
    createRequire(import.meta.url)('@confluentinc/kafka-javascript')
    return false
  } catch (error) {
    process.stderr.write(
      `SKIPPED: the example confluent (${String(error).split('\n')[0]}): node scripts/provision.ts\n`,
    )
    return true
  }
}

/** Asks until there is an answer; the test's own time limit ends it. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
