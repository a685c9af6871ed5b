import { fileURLToPath } from 'node:url'
import { freePorts } from '@spanlink/testkit/free-ports'
import { startGuarded, waitForLine } from '@spanlink/testkit/guarded-process'
import { startKafka } from '@spanlink/testkit/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test, vi } from 'vitest'

test('an Express application with one flag shows a flow from the request to the consumer', async () => {
  await using kafka = await startKafka()
  await using spanlink = await startSpanlink()
  const [port] = await freePorts(1)
  const flags = ['--conditions=spanlink:source', '--import=@spanlink/kafka/auto']
  const app = await startGuarded([process.execPath, ...flags, APP], {
    env: {
      ...process.env,
      PORT: String(port),
      KAFKA_BROKER: kafka.brokers.join(),
      OTEL_EXPORTER_OTLP_ENDPOINT: spanlink.otlpHttp,
    },
  })
  await waitForLine(app, /ready/, 60_000)
  expect((await fetch(`http://127.0.0.1:${port}/orders/mug`, { method: 'POST' })).status).toBe(202)
  await vi.waitUntil(() => app.output().includes('shipped mug'), WAIT)

  const request = await vi.waitUntil(async () => {
    const { traces } = (await spanlink.getJson('/api/traces')) as Traces
    return traces.find(({ rootName }) => rootName === 'POST /orders/:item')
  }, WAIT)
  const lanes = await vi.waitUntil(async () => {
    const flow = (await spanlink.getJson(`/api/flows/${request.traceId}`)) as Flow
    return flow.lanes.length === 2 && flow.lanes
  }, WAIT)
  expect(lanes.map(({ rootName }) => rootName)).toEqual(['POST /orders/:item', 'process orders'])
  process.kill(app.pid, 'SIGTERM')
  expect(await app.ended()).toBe(143)
})

const APP = fileURLToPath(new URL('../src/app.js', import.meta.url))
const WAIT = { timeout: 60_000, interval: 100 }

type Traces = { readonly traces: readonly { readonly traceId: string; readonly rootName: string }[] }
type Flow = { readonly lanes: readonly { readonly rootName: string }[] }
