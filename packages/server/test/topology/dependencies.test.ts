import { tracesOf } from '@spanlink/testkit/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Dependency, findDependencies } from '../../src/http/compat/jaeger/jaeger-dependencies.ts'
import { processing, send, span } from '../flow/kafka-spans.ts'
import { openStoredTraces, type StoredTraces } from '../query/stored-traces.ts'
import { HOUR_MS, hourRange } from './hourly-topology.ts'

let traces: StoredTraces
beforeAll(async () => {
  traces = await openStoredTraces()
})
afterAll(() => traces[Symbol.asyncDispose]())

/** Each test uses a separate hour. */
async function dependencies(hour: number): Promise<Dependency[]> {
  const found = await findDependencies(traces.store, hourRange(hour), undefined, {})
  return found.toSorted((a, b) => (a.parent + a.child < b.parent + b.child ? -1 : 1))
}

test.each([
  [0, 'parent'],
  [1, 'link'],
] as const)('a message without a topic is a Jaeger dependency: hour %i, %s', async (hour, mode) => {
  const sent = span({ name: 'publish', kind: 4, at: hour * HOUR_MS, attributes: { 'messaging.system': 'rabbitmq' } })
  const consumer = processing('', sent, '', mode, { at: hour * HOUR_MS + 60 })
  await traces.put(tracesOf('shop', [sent]))
  await traces.put(tracesOf('billing', [consumer]))
  expect(await dependencies(hour)).toEqual([{ parent: 'shop', child: 'billing', callCount: 1 }])
})

test('services connected by the same topic name in different clusters are not Jaeger dependencies', async () => {
  const at = 2 * HOUR_MS
  for (const cluster of ['east', 'west']) {
    const attributes = { 'kafka.cluster.id': cluster }
    const sent = send('orders', { at, attributes })
    await traces.put(tracesOf(`shop ${cluster}`, [sent]))
    const consumer = processing('orders', sent, 'billing', 'link', { at: at + 60, attributes })
    await traces.put(tracesOf(`billing ${cluster}`, [consumer]))
  }
  expect(await dependencies(2)).toEqual([
    { parent: 'shop east', child: 'billing east', callCount: 1 },
    { parent: 'shop west', child: 'billing west', callCount: 1 },
  ])
})

test('a producer that names no cluster is connected to its consumers in two clusters', async () => {
  const at = 3 * HOUR_MS
  const sent = send('orders', { at })
  await traces.put(tracesOf('shop', [sent]))
  for (const cluster of ['east', 'west']) {
    const attributes = { 'kafka.cluster.id': cluster }
    const consumer = processing('orders', sent, 'billing', 'link', { at: at + 60, attributes })
    await traces.put(tracesOf(`billing ${cluster}`, [consumer]))
  }
  expect(await dependencies(3)).toEqual([
    { parent: 'shop', child: 'billing east', callCount: 1 },
    { parent: 'shop', child: 'billing west', callCount: 1 },
  ])
})
