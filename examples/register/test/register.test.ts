import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { spanNames, storedTraces } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test('an application without a word of tracing has a trace for each order, linked to its send', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  const file = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--conditions=spanlink:source',
      `--import=${file('telemetry.ts')}`,
      '--import=@spanlink/kafka/register',
      file('main.ts'),
    ],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: {
        ...process.env,
        KAFKA_BROKERS: kafka.brokers.join(),
        OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp,
      },
    },
  )
  expect(stdout).toBe('packed mug\npacked tea\npacked spoon\n')

  const traces = await storedTraces(spanlink, 7)
  const sent = traces.find(({ spans }) => spans.some(({ name }) => name === 'send register-orders'))!
  const created = sent.spans.filter(({ name }) => name === 'create register-orders')
  const processed = traces.filter((one) => one !== sent)
  expect(processed.map(spanNames)).toEqual(processed.map(() => ['process register-orders']))
  const targets = processed.map(({ spans }) => spans.flatMap(({ links }) => links.map(({ spanId }) => spanId)))
  expect(targets.toSorted()).toEqual(created.map(({ spanId }) => [spanId]).toSorted())
})
