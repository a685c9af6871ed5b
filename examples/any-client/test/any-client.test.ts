import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'

test('letters of a client without an adapter are received, read and acknowledged in spans that link to their posting', async () => {
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
  expect(stdout).toBe('read dear\nread yours\nread farewell\n')

  const get = async (path: string): Promise<unknown> => await spanlink.getJson(path)
  const tracesOf = async (): Promise<readonly Trace[]> => {
    const { traces } = (await get('/api/traces')) as { readonly traces: readonly { readonly traceId: string }[] }
    return await Promise.all(traces.map(async ({ traceId }) => (await get(`/api/traces/${traceId}`)) as Trace))
  }
  const traces = await eventually(async () => {
    const all = await tracesOf()
    return all.length === 2 ? all : undefined
  })
  const posted = traces.find((one) => namesOf(one).includes('send letters'))!
  const read = traces.find((one) => one !== posted)!
  expect(namesOf(posted)).toEqual(['create letters', 'create letters', 'create letters', 'send letters'])
  const thrice = (name: string): string[] => [name, name, name]
  expect(namesOf(read)).toEqual([...thrice('commit letters'), 'poll letters', ...thrice('process letters')])
  const created = posted.spans.filter(({ name }) => name === 'create letters').map(({ spanId }) => spanId)
  const linksOf = (wanted: string) =>
    read.spans.filter(({ name }) => name === wanted).flatMap(({ links }) => links.map(({ spanId }) => spanId))
  expect(linksOf('poll letters').toSorted()).toEqual(created.toSorted())
  expect(linksOf('process letters').toSorted()).toEqual(created.toSorted())
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
