import { after, type Order, placeOrder, type Story } from './order.ts'
import { createRecorder, type Message, type Recorder } from './messages.ts'
import type { DemoLog, DemoSpan, SpanContext } from './otlp.ts'
import { createRandom } from './random.ts'

/** A story of the demo that is worth opening. */
export type Highlight = {
  readonly story: Story
  readonly traceId: string
  readonly orderId: string
  readonly endMs: number
}

export type Shop = {
  /** Places the orders that are due before `untilMs`, and lets the slow consumers work. */
  readonly run: (untilMs: number) => void
  /** The latest orders with a story, oldest first. */
  readonly highlights: () => readonly Highlight[]
}

export type ShopOptions = {
  readonly startMs: number
  /** Orders per second. */
  readonly rate: number
  /** When the group `loyalty` stops, in milliseconds since the epoch. */
  readonly stuckMs: number
  readonly record: (item: { readonly span: DemoSpan } | { readonly log: DemoLog }) => void
  readonly seed?: number
}

/** One in so many orders has a story; the first that matches is taken. */
const STORIES: readonly (readonly [count: number, story: Story])[] = [
  [45, 'dead-lettered'],
  [18, 'retried'],
  [30, 'redelivered'],
  [60, 'slow-database'],
  [14, 'declined'],
  [8, 'invoiced'],
]
/** After this long an order has reached everyone but billing. */
const MAX_ORDER_MS = 15_000
const MAX_HIGHLIGHTS = 100
const EMAIL_INTERVAL_MS = 4000
const BILLING_MS = 30_000
const REBALANCE_MS = 9 * 60_000

/** The shop's traffic, in order of time. Consumers that lag take their messages from a queue. */
export function openShop({ startMs, rate, stuckMs, record, seed = 42 }: ShopOptions): Shop {
  const random = createRandom(seed)
  const kafka = createRecorder(random, record)
  const emails: Message[] = []
  const invoices: Message[] = []
  let highlights: readonly Highlight[] = []
  let number = 0
  let nextOrderMs = startMs
  let nextEmailMs = startMs + EMAIL_INTERVAL_MS
  let nextBillingMs = startMs + BILLING_MS
  let nextRebalanceMs = startMs + REBALANCE_MS

  const placeNext = (atMs: number): void => {
    number += 1
    const story = STORIES.find(([count]) => random.isOneIn(count))?.[1] ?? 'usual'
    const order: Order = {
      id: `order-${10_000 + number}`,
      customer: `customer-${random.integer(1, 400)}`,
      amount: story === 'dead-lettered' ? random.integer(5001, 9000) : random.integer(8, 420),
    }
    const placed = placeOrder(kafka, order, story, atMs)
    emails.push(placed.payments)
    if (placed.invoices !== undefined) invoices.push(placed.invoices)
    if (atMs < stuckMs) addPoints(kafka, placed.orders)
    if (story === 'usual') return
    const highlight = { story, traceId: placed.root.traceId, orderId: order.id, endMs: atMs + MAX_ORDER_MS }
    highlights = [...highlights, highlight].slice(-MAX_HIGHLIGHTS)
  }

  return {
    run: (untilMs) => {
      for (;;) {
        const dueMs = Math.min(nextOrderMs, nextEmailMs, nextBillingMs, nextRebalanceMs)
        if (dueMs >= untilMs) return
        if (dueMs === nextOrderMs) {
          placeNext(dueMs)
          nextOrderMs += (1000 / rate) * random.between(0.4, 1.6)
        } else if (dueMs === nextEmailMs) {
          sendReceipts(kafka, takeBefore(emails, dueMs), dueMs)
          nextEmailMs += EMAIL_INTERVAL_MS
        } else if (dueMs === nextBillingMs) {
          writeInvoices(kafka, takeBefore(invoices, dueMs - BILLING_MS / 2), dueMs)
          nextBillingMs += BILLING_MS
        } else {
          logRebalance(kafka, dueMs)
          nextRebalanceMs += REBALANCE_MS
        }
      }
    },
    highlights: () => highlights,
  }
}

/** The group that gets stuck: its messages stay unconsumed and its lag grows. */
function addPoints(kafka: Recorder, orders: Message): void {
  const { random } = kafka
  kafka.process(orders, {
    service: 'loyalty',
    group: 'loyalty',
    ...after(orders.sentMs, random.between(10, 60), random.between(4, 12)),
  })
}

/** One span for the batch, with a link to each message. */
function sendReceipts(kafka: Recorder, messages: readonly Message[], atMs: number): void {
  const [first, ...rest] = messages
  if (first === undefined) return
  const { random } = kafka
  const work = after(atMs, random.between(5, 30), 20 + messages.length * random.between(4, 9))
  const span = kafka.processBatch([first, ...rest], { service: 'email', group: 'email', ...work })
  kafka.child(span, {
    service: 'email',
    name: 'smtp send',
    kind: 'client',
    startMs: work.startMs + 8,
    endMs: work.endMs - 4,
    attributes: { 'server.address': 'smtp.example', 'shop.email.count': messages.length },
  })
  const body = `sent ${messages.length} receipts`
  kafka.log({ service: 'email', timeMs: work.endMs, severity: 'INFO', body, context: span })
}

/** The slow queue: one worker that wakes twice a minute and takes one message after the other. */
function writeInvoices(kafka: Recorder, messages: readonly Message[], atMs: number): void {
  const { random } = kafka
  let startMs = atMs
  for (const message of messages) {
    const durationMs = Math.min(2500, (BILLING_MS * random.between(0.4, 0.9)) / messages.length)
    const work = after(startMs, random.between(0.5, 3), durationMs)
    const span = kafka.process(message, { service: 'billing', group: 'billing', ...work })
    addInvoiceSpan(kafka, span, work.startMs + 1, work.endMs - 1)
    startMs = work.endMs
  }
  if (messages.length === 0) return
  const body = `wrote ${messages.length} invoices, the oldest one waited ${Math.round((atMs - (messages[0]?.sentMs ?? atMs)) / 1000)} s`
  kafka.log({ service: 'billing', timeMs: startMs, severity: 'WARN', body })
}

function addInvoiceSpan(kafka: Recorder, parent: SpanContext, startMs: number, endMs: number): void {
  const attributes = { 'shop.document': 'invoice.pdf' }
  kafka.child(parent, { service: 'billing', name: 'render invoice', kind: 'internal', startMs, endMs, attributes })
}

/** As the plugin reports it: docs/kafka/events.md. */
function logRebalance(kafka: Recorder, timeMs: number): void {
  kafka.log({
    service: 'shipping',
    timeMs,
    severity: 'INFO',
    body: '2 partitions assigned, 6 held (group shipping)',
    attributes: {
      'messaging.system.name': 'kafka',
      'messaging.consumer.group.name': 'shipping',
      'messaging.client.id': 'shipping',
      'kafka.consumer.partitions.changed': 2,
      'kafka.consumer.partitions.held': 6,
    },
    eventName: 'kafka.consumer.partitions.assigned',
  })
}

/** Removes and returns the messages that were sent before a time. */
function takeBefore(queue: Message[], ms: number): readonly Message[] {
  const count = queue.findIndex(({ sentMs }) => sentMs >= ms)
  return queue.splice(0, count === -1 ? queue.length : count)
}
