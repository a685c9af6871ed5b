import { runExample } from '@spanlink/testkit/run-example'
import { spanNames } from '@spanlink/testkit/stored-traces'
import { expect, test } from 'vitest'

test('messages of a client without an adapter have receive, process and commit spans, linked to their Create spans', async () => {
  const { stdout, traces } = await runExample(import.meta.url, 11)
  expect(stdout).toBe('read dear\nread yours\nread farewell\n')

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
