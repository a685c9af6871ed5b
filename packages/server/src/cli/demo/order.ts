import type { Message, Period, Recorder } from './messages.ts'
import type { SpanContext } from './otlp.ts'

export type Order = { readonly id: string; readonly customer: string; readonly amount: number }

/** What happens to an order, beside the usual way. */
export type Story = 'usual' | 'invoiced' | 'slow-database' | 'declined' | 'retried' | 'dead-lettered' | 'redelivered'

/** Messages that other parts of the shop consume: loyalty, email and billing. */
export type PlacedOrder = {
  readonly root: SpanContext
  readonly orders: Message
  readonly payments: Message
  readonly invoices?: Message | undefined
}

const DAY_LIMIT = 5000

/** One order, from the request at `atMs` to the parcel. */
export function placeOrder(kafka: Recorder, order: Order, story: Story, atMs: number): PlacedOrder {
  const { root, message: orders } = acceptOrder(kafka, order, story, atMs)
  const { payments, invoices } = charge(kafka, order, orders, story)
  const stock = reserve(kafka, order, orders, story)
  ship(kafka, order, payments, stock, story)
  scorePayment(kafka, order, payments, story)
  return { root, orders, payments, invoices }
}

function acceptOrder(kafka: Recorder, order: Order, story: Story, startMs: number) {
  const { random } = kafka
  const service = 'gateway'
  const queryMs = story === 'slow-database' ? random.between(1800, 3200) : random.between(3, 12)
  const sendMs = random.between(4, 15)
  const queryStart = startMs + random.between(1, 4)
  const sendStart = queryStart + queryMs + random.between(0.5, 2)
  const root = kafka.span({
    service,
    name: 'POST /orders',
    kind: 'server',
    startMs,
    endMs: sendStart + sendMs + random.between(0.3, 2),
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/orders',
      'http.response.status_code': 202,
      'url.path': '/orders',
      'url.scheme': 'https',
      'shop.order.id': order.id,
      'shop.customer.id': order.customer,
      'shop.order.amount': order.amount,
    },
  })
  kafka.child(root, {
    service,
    name: 'SELECT customers',
    kind: 'client',
    startMs: queryStart,
    endMs: queryStart + queryMs,
    attributes: describeQuery('SELECT', 'customers', 'SELECT * FROM customers WHERE id = $1'),
  })
  const period = { startMs: sendStart, endMs: sendStart + sendMs }
  const message = kafka.send(service, root, 'orders', order.id, period)
  kafka.log({
    service,
    timeMs: sendStart,
    severity: story === 'slow-database' ? 'WARN' : 'INFO',
    body:
      story === 'slow-database'
        ? `customers: query took ${Math.round(queryMs)} ms, connection pool exhausted`
        : `accepted ${order.id} of ${order.customer}: ${order.amount} EUR`,
    attributes: { 'shop.order.id': order.id },
    context: root,
  })
  return { root, message }
}

function charge(kafka: Recorder, order: Order, orders: Message, story: Story) {
  const { random } = kafka
  const service = 'payment'
  const work = after(orders.sentMs, random.between(6, 45), random.between(60, 190))
  const isDeclined = story === 'declined'
  const span = kafka.process(orders, { service, group: 'payment', ...work })
  const call = within(work, 0.08, 0.75)
  kafka.child(span, {
    service,
    name: 'POST /v1/charges',
    kind: 'client',
    ...call,
    error: isDeclined ? 'card declined: insufficient funds' : undefined,
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': isDeclined ? 402 : 200,
      'server.address': 'api.acme-pay.example',
      'url.full': 'https://api.acme-pay.example/v1/charges',
    },
  })
  kafka.log({
    service,
    timeMs: call.endMs,
    severity: isDeclined ? 'WARN' : 'INFO',
    body: isDeclined
      ? `${order.id}: card declined, the order is cancelled`
      : `${order.id}: charged ${order.amount} EUR`,
    attributes: { 'shop.order.id': order.id },
    context: span,
  })
  return {
    payments: kafka.send(service, span, 'payments', order.id, within(work, 0.78, 0.86)),
    invoices:
      story === 'invoiced' ? kafka.send(service, span, 'invoices', order.id, within(work, 0.88, 0.96)) : undefined,
  }
}

function reserve(kafka: Recorder, order: Order, orders: Message, story: Story): Message {
  const { random } = kafka
  const service = 'inventory'
  const options = { service, group: 'inventory' }
  let work = after(orders.sentMs, random.between(4, 30), random.between(18, 60))
  if (story === 'redelivered') {
    const first = kafka.process(orders, { ...options, ...work })
    addStockQuery(kafka, first, work)
    kafka.log({
      service,
      timeMs: work.endMs + 900,
      severity: 'WARN',
      body: 'left the group inventory before its offsets were committed: session timed out',
      attributes: { 'messaging.system.name': 'kafka', 'messaging.consumer.group.name': 'inventory' },
      eventName: 'kafka.consumer.partitions.revoked',
    })
    work = after(work.endMs, random.between(2500, 4500), random.between(18, 60))
  }
  const span = kafka.process(orders, { ...options, ...work })
  addStockQuery(kafka, span, work)
  return kafka.send(service, span, 'stock', order.id, within(work, 0.7, 0.95))
}

function addStockQuery(kafka: Recorder, parent: SpanContext, work: Period): void {
  kafka.child(parent, {
    service: 'inventory',
    name: 'UPDATE stock',
    kind: 'client',
    ...within(work, 0.1, 0.6),
    attributes: describeQuery('UPDATE', 'stock', 'UPDATE stock SET reserved = reserved + $1 WHERE sku = $2'),
  })
}

/** One consumer of two topics: the later message makes the parcel. */
function ship(kafka: Recorder, order: Order, payments: Message, stock: Message, story: Story): void {
  const { random } = kafka
  const options = { service: 'shipping', group: 'shipping' }
  const [first, last] = payments.sentMs < stock.sentMs ? [payments, stock] : [stock, payments]
  kafka.process(first, { ...options, ...after(first.sentMs, random.between(4, 25), random.between(2, 6)) })
  const isCancelled = story === 'declined'
  const work = after(last.sentMs, random.between(8, 40), isCancelled ? 3 : random.between(25, 80))
  const span = kafka.process(last, { ...options, ...work })
  if (isCancelled) return
  kafka.child(span, {
    service: 'shipping',
    name: 'print label',
    kind: 'internal',
    ...within(work, 0.2, 0.9),
    attributes: { 'shop.order.id': order.id, 'shop.parcel.carrier': random.pick(['dhl', 'ups', 'post']) },
  })
}

/** Fraud fails now and then: over payments.retry to a later attempt, or after three to a person. */
function scorePayment(kafka: Recorder, order: Order, payments: Message, story: Story): void {
  const { random } = kafka
  const service = 'fraud'
  const failures = story === 'dead-lettered' ? 3 : story === 'retried' ? random.integer(1, 3) : 0
  const error =
    order.amount > DAY_LIMIT ? `no score for payments over ${DAY_LIMIT} EUR` : 'score service timed out after 300 ms'
  let message = payments
  for (let attempt = 1; ; attempt += 1) {
    const isFailed = attempt <= failures
    const wait = attempt === 1 ? random.between(10, 60) : random.between(1200, 2600)
    const work = after(message.sentMs, wait, isFailed ? random.between(310, 380) : random.between(80, 240))
    const span = kafka.process(message, { service, group: 'fraud', ...work, error: isFailed ? error : undefined })
    kafka.child(span, {
      service,
      name: 'score payment',
      kind: 'internal',
      ...within(work, 0.05, 0.85),
      error: isFailed ? error : undefined,
      attributes: { 'shop.order.id': order.id, 'shop.attempt': attempt },
    })
    if (!isFailed) return
    kafka.log({
      service,
      timeMs: work.endMs,
      severity: attempt === 3 ? 'ERROR' : 'WARN',
      body: `${order.id}: attempt ${attempt} of 3 failed: ${error}`,
      attributes: { 'shop.order.id': order.id, 'exception.type': 'Error', 'exception.message': error },
      context: span,
    })
    const topic = attempt === 3 ? 'payments.dlq' : 'payments.retry'
    message = kafka.send(service, span, topic, order.id, within(work, 0.88, 0.97))
    if (attempt === 3) {
      review(kafka, order, message, error)
      return
    }
  }
}

function review(kafka: Recorder, order: Order, deadLetter: Message, reason: string): void {
  const { random } = kafka
  const service = 'review'
  const work = after(deadLetter.sentMs, random.between(300, 900), random.between(40, 110))
  const span = kafka.process(deadLetter, { service, group: 'review', ...work })
  kafka.child(span, {
    service,
    name: 'INSERT review_cases',
    kind: 'client',
    ...within(work, 0.2, 0.8),
    attributes: describeQuery('INSERT', 'review_cases', 'INSERT INTO review_cases (order_id, reason) VALUES ($1, $2)'),
  })
  kafka.log({
    service,
    timeMs: work.endMs,
    severity: 'INFO',
    body: `${order.id} waits for a person: ${reason}`,
    attributes: { 'shop.order.id': order.id },
    context: span,
  })
}

function describeQuery(operation: string, table: string, text: string) {
  return {
    'db.system.name': 'postgresql',
    'db.operation.name': operation,
    'db.collection.name': table,
    'db.query.text': text,
    'server.address': 'postgres',
  }
}

export function after(ms: number, wait: number, duration: number): Period {
  return { startMs: ms + wait, endMs: ms + wait + duration }
}

/** A part of a period, by its shares. */
function within({ startMs, endMs }: Period, from: number, to: number): Period {
  const duration = endMs - startMs
  return { startMs: startMs + duration * from, endMs: startMs + duration * to }
}
