import { createRequire } from 'node:module'
import { runExample } from '@spanlink/testkit/run-example'
import { spanNames } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test.skipIf(isMissing())('each order has its own trace, linked to the Create span of its message', async () => {
  const { stdout, traces } = await runExample(import.meta.url, 7)
  expect(stdout).toBe('packed mug\npacked tea\npacked spoon\n')

  const sent = traces.find(({ spans }) => spans.length === 4)!
  expect(spanNames(sent)).toEqual([
    'create confluent-orders',
    'create confluent-orders',
    'create confluent-orders',
    'send confluent-orders',
  ])
  const created = sent.spans.filter(({ name }) => name.startsWith('create'))
  const processed = traces.filter((one) => one !== sent)
  expect(processed.map(spanNames)).toEqual(processed.map(() => ['process confluent-orders']))
  const targets = processed.map(({ spans }) => spans[0]?.links.map(({ spanId }) => spanId))
  expect(targets.toSorted()).toEqual(created.map(({ spanId }) => [spanId]).toSorted())
})

/** The client's native addon may be missing. */
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
