import { runExample } from '@spanlink/testkit/run-example'
import { spanNames } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test('an application without tracing code has a trace for each order, linked to its Create span', async () => {
  const { stdout, traces } = await runExample(
    import.meta.url,
    7,
    '--import=./src/telemetry.ts',
    '--import=@spanlink/kafka/register',
  )
  expect(stdout).toBe('packed mug\npacked tea\npacked spoon\n')

  const sent = traces.find(({ spans }) => spans.some(({ name }) => name === 'send register-orders'))!
  const created = sent.spans.filter(({ name }) => name === 'create register-orders')
  const processed = traces.filter((one) => one !== sent)
  expect(processed.map(spanNames)).toEqual(processed.map(() => ['process register-orders']))
  const targets = processed.map(({ spans }) => spans.flatMap(({ links }) => links.map(({ spanId }) => spanId)))
  expect(targets.toSorted()).toEqual(created.map(({ spanId }) => [spanId]).toSorted())
})
