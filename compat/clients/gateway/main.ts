// Takes orders over HTTP and sends each to a topic, traced by @spanlink/kafka. `POST /orders`, a
// line `ready <url>` on stdout.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { SpanKind, trace } from '@opentelemetry/api'
import { traceKafkaJS } from '@spanlink/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { startTelemetry } from '../telemetry.ts'

const { KAFKA_BROKERS = '', ORDERS_TOPIC: topic = '' } = process.env
const sdk = startTelemetry()
const tracer = trace.getTracer('gateway')
const brokers = KAFKA_BROKERS.split(',')
const kafka = traceKafkaJS(new Kafka({ clientId: 'gateway', brokers, logLevel: logLevel.ERROR }))
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
await producer.connect()

const server = createServer((request, response) => void takeOrder(request, response)).listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)

process.once('SIGTERM', () => void stop())

/** Responds with the trace of the order and the offset of its record. */
async function takeOrder(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const order = (await json(request)) as { readonly id: string }
  await tracer.startActiveSpan('POST /orders', { kind: SpanKind.SERVER }, async (span) => {
    const [sent] = await producer.send({ topic, messages: [{ key: order.id, value: JSON.stringify(order) }] })
    span.end()
    response.end(JSON.stringify({ traceId: span.spanContext().traceId, offset: sent?.baseOffset }))
  })
}

async function stop(): Promise<void> {
  server.close()
  await producer.disconnect()
  await sdk.shutdown()
}
