import { runExample } from '@spanlink/testkit/run-example'
import { spanNames } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test('each order has its own trace with its commit, linked to the Create span of its message', async () => {
  const { stdout, traces } = await runExample(import.meta.url, 10)
  expect(stdout).toBe('packed mug\npacked tea\npacked spoon\n')

  const sent = traces.find(({ spans }) => spans.some(({ name }) => name === 'send platformatic-orders'))!
  const created = sent.spans.filter(({ name }) => name === 'create platformatic-orders')
  const processed = traces.filter((one) => one !== sent)
  expect(processed.map(spanNames)).toEqual(
    processed.map(() => ['commit platformatic-orders', 'process platformatic-orders']),
  )
  const targets = processed.map(({ spans }) => spans.flatMap(({ links }) => links.map(({ spanId }) => spanId)))
  expect(targets.toSorted()).toEqual(created.map(({ spanId }) => [spanId]).toSorted())
})
