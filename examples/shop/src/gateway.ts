// HTTP in, Kafka out: POST /orders sends the order to the topic and responds at once.
import './telemetry.ts'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { context, propagation, trace } from '@opentelemetry/api'
import { kafka } from './kafka.ts'
import { ready } from './lifecycle.ts'
import { topics, type Order } from './messages.ts'

const producer = kafka.producer()
await producer.connect()

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    respond(response, 503, { error: error instanceof Error ? error.message : String(error) })
  })
})
server.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
await once(server, 'listening')

const address = server.address()
ready(
  `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`,
  async () => server.close(),
  async () => await producer.disconnect(),
)

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/orders') return respond(response, 404, { error: 'POST /orders' })
  // The HTTP instrumentation knows the method, only we know the route.
  trace.getActiveSpan()?.updateName('POST /orders').setAttribute('http.route', '/orders')
  const body = await json(request).catch(() => undefined)
  if (!isNewOrder(body)) return respond(response, 400, { error: 'an order has customer, amount and items' })

  const order: Order = { ...body, orderId: randomUUID() }
  const tier = body.tier ?? 'bronze'
  // Context is all it takes: the send span becomes a child of the request's, and the baggage goes
  // into the message.
  await context.with(withBaggage('shop.customer.tier', tier), async () => {
    await producer.send({ topic: topics.orders, messages: [{ key: order.orderId, value: JSON.stringify(order) }] })
  })
  respond(response, 202, { orderId: order.orderId, traceId: trace.getActiveSpan()?.spanContext().traceId })
}

function withBaggage(key: string, value: string): ReturnType<typeof context.active> {
  const baggage = propagation.getActiveBaggage() ?? propagation.createBaggage()
  return propagation.setBaggage(context.active(), baggage.setEntry(key, { value }))
}

type NewOrder = Omit<Order, 'orderId'> & { readonly tier?: string }

function isNewOrder(body: unknown): body is NewOrder {
  if (typeof body !== 'object' || body === null) return false
  const { customer, amount, items, tier } = body as Partial<Record<keyof NewOrder, unknown>>
  return (
    typeof customer === 'string' &&
    typeof amount === 'number' &&
    Array.isArray(items) &&
    (tier === undefined || typeof tier === 'string')
  )
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
