import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { spanNames, storedTraces } from '@spanlink/testkit/stored-traces'
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

  const traces = await storedTraces(spanlink, 11)
  const posted = traces.find((one) => spanNames(one).includes('send letters'))!
  const read = traces.find((one) => one !== posted)!
  expect(spanNames(posted)).toEqual(['create letters', 'create letters', 'create letters', 'send letters'])
  const thrice = (name: string): string[] => [name, name, name]
  expect(spanNames(read)).toEqual([...thrice('commit letters'), 'poll letters', ...thrice('process letters')])
  const created = posted.spans.filter(({ name }) => name === 'create letters').map(({ spanId }) => spanId)
  const linksOf = (wanted: string) =>
    read.spans.filter(({ name }) => name === wanted).flatMap(({ links }) => links.map(({ spanId }) => spanId))
  expect(linksOf('poll letters').toSorted()).toEqual(created.toSorted())
  expect(linksOf('process letters').toSorted()).toEqual(created.toSorted())
})
