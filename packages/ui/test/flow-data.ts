import type { OtlpKeyValue, OtlpSpan, TracesRequest } from '@spanlink/testkit/otlp'
import { service } from './shop.ts'

const SERVER = 2
const CLIENT = 3
const PRODUCER = 4
const CONSUMER = 5

interface Message {
  readonly traceId: string
  readonly spanId: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

let seeds = 1000

/** A seed for new ids, so that a retried test finds no data of its first attempt. */
export function freshSeed(): number {
  seeds += 1
  return seeds
}

/** Spans by service, with times in milliseconds from `now`, and ids that differ between numbers. */
export interface SpanBook {
  /** Id of the nth trace; starts a new one if there are fewer. */
  readonly traceId: (nth: number) => string
  readonly traceCount: () => number
  readonly add: (of: string, span: Omit<OtlpSpan, 'startTimeUnixNano' | 'endTimeUnixNano'> & Timed) => string
  readonly send: (of: string, traceId: string, parent: string, topic: string, at: Timed) => Message
  readonly consume: (of: string, group: string, message: Message | readonly Message[], at: Consumed) => Work
  readonly request: () => TracesRequest
}

interface Timed {
  readonly from: number
  readonly to: number
}

interface Consumed extends Timed {
  readonly error?: string
  /** In the trace of the producer, as a child of the send span. */
  readonly asChild?: boolean
  readonly name?: string
  /** A receive span, which ends before the handler starts. */
  readonly isReceive?: boolean
}

interface Work {
  readonly traceId: string
  readonly spanId: string
}

export function spanBook(now: number, seed: number): SpanBook {
  const spans = new Map<string, OtlpSpan[]>()
  let next = 0
  const id = (length: number): string => {
    next += 1
    return `${seed.toString(16).padStart(6, '0')}${next.toString(16).padStart(6, '0')}`.padStart(length, '1a')
  }
  const nano = (millis: number): string => `${BigInt(Math.round((now + millis) * 1000)) * 1000n}`
  const traceIds: string[] = []
  const newTrace = (): string => {
    const made = id(32)
    traceIds.push(made)
    return made
  }
  const add: SpanBook['add'] = (of, { from, to, ...span }) => {
    const list = spans.get(of) ?? []
    spans.set(of, list)
    const spanId = span.spanId ?? id(16)
    list.push({ flags: 0x101, ...span, spanId, startTimeUnixNano: nano(from), endTimeUnixNano: nano(to) })
    return spanId
  }
  return {
    traceId: (nth) => (traceIds[nth] ??= id(32)),
    traceCount: () => traceIds.length,
    add,
    send(of, traceId, parent, topic, at) {
      const spanId = add(of, {
        traceId,
        parentSpanId: parent,
        name: `send ${topic}`,
        kind: PRODUCER,
        attributes: messaging('send', topic),
        ...at,
      })
      return { traceId, spanId, topic, partition: next % 6, offset: seed * 10_000 + next }
    },
    consume(of, group, message, { error, asChild, name, isReceive, ...at }) {
      const messages = 'topic' in message ? [message] : message
      const first = messages[0]
      if (first === undefined) throw new Error('a consumer consumes something')
      const traceId = asChild === true ? first.traceId : newTrace()
      const spanId = add(of, {
        traceId,
        parentSpanId: asChild === true ? first.spanId : undefined,
        name: name ?? `process ${first.topic}`,
        kind: CONSUMER,
        attributes: [
          ...messaging(isReceive === true ? 'receive' : 'process', first.topic),
          text('messaging.consumer.group.name', group),
          text('messaging.destination.partition.id', String(first.partition)),
          { key: 'messaging.kafka.offset', value: { intValue: String(first.offset) } },
          ...(error === undefined ? [] : [text('error.type', 'CardDeclined')]),
        ],
        flags: asChild === true ? 0x301 : 0x101,
        status: error === undefined ? undefined : { code: 2, message: error },
        links: messages.map(({ traceId, spanId, topic, partition, offset }) => ({
          traceId,
          spanId,
          flags: 0x301,
          attributes: [
            text('messaging.destination.name', topic),
            text('messaging.destination.partition.id', String(partition)),
            { key: 'messaging.kafka.offset', value: { intValue: String(offset) } },
          ],
        })),
        ...at,
      })
      return { traceId, spanId }
    },
    request: () => ({ resourceSpans: [...spans].map(([name, list]) => service(name, list)) }),
  }
}

/**
 * One order: payment fails, is retried over a retry topic and ends as a dead letter;
 * inventory reserves it and twelve parcels are labelled; fraud's clock is behind, so that it seems
 * to start before the send.
 */
export function orderFlow(now: number, seed: number): { readonly traceId: string; readonly request: TracesRequest } {
  const book = spanBook(now, seed)
  const traceId = book.traceId(0)
  const root = book.add('gateway', { traceId, name: 'POST /orders', kind: SERVER, from: 0, to: 62 })
  book.add('gateway', { traceId, parentSpanId: root, name: 'validate cart', from: 4, to: 21 })
  const orders = book.send('gateway', traceId, root, 'orders', { from: 26, to: 48 })

  const pay = book.consume('payment', 'payment', orders, { from: 210, to: 318, error: 'card declined' })
  authorize(pay, 232, 300)
  const retry = book.send('payment', pay.traceId, pay.spanId, 'orders.retry', { from: 302, to: 314 })
  const again = book.consume('payment', 'payment', retry, { from: 1120, to: 1216, error: 'card declined' })
  authorize(again, 1130, 1190)
  const dead = book.send('payment', again.traceId, again.spanId, 'orders.dlq', { from: 1194, to: 1208 })
  const review = book.consume('review', 'review', dead, { from: 1290, to: 1334 })
  book.add('review', { ...under(review), name: 'INSERT review_case', kind: CLIENT, from: 1300, to: 1326 })

  book.consume('fraud', 'fraud', orders, { from: 19, to: 96 })

  const reserve = book.consume('inventory', 'inventory', orders, { from: 92, to: 240 })
  book.add('inventory', { ...under(reserve), name: 'SELECT stock', kind: CLIENT, from: 98, to: 141 })
  const parcels = Array.from({ length: 12 }, (_, nth) =>
    book.send('inventory', reserve.traceId, reserve.spanId, 'parcels', { from: 146 + nth * 7, to: 151 + nth * 7 }),
  )
  const labels = parcels.map((parcel, nth) => {
    const work = book.consume('shipping', 'shipping', parcel, {
      from: 190 + nth * 38 + (nth % 3) * 9,
      to: 250 + nth * 41 + (nth % 4) * 22,
      ...(nth === 7 ? { error: 'label printer out of paper' } : {}),
    })
    return book.send('shipping', work.traceId, work.spanId, 'labels', { from: 236 + nth * 39, to: 246 + nth * 39 })
  })
  book.consume('email', 'email', labels, { from: 742, to: 802, name: 'process labels' })
  return { traceId, request: book.request() }

  function authorize(work: Work, from: number, to: number): void {
    const spanId = book.add('payment', {
      ...under(work),
      name: 'authorize card',
      kind: CLIENT,
      status: { code: 2, message: 'card declined' },
      from,
      to,
    })
    book.add('payment', { traceId: work.traceId, parentSpanId: spanId, name: 'POST acme-pay', from: from + 4, to })
  }
}

/**
 * A gateway that sends `width` messages, each processed in a separate trace by one of five
 * services.
 */
export function wideFlow(now: number, seed: number, width: number): { traceId: string; request: TracesRequest } {
  const book = spanBook(now, seed)
  const traceId = book.traceId(0)
  const root = book.add('scheduler', { traceId, name: 'nightly billing', from: 0, to: width * 3 + 20 })
  for (let nth = 0; nth < width; nth += 1) {
    const sent = book.send('scheduler', traceId, root, `invoices.${nth % 5}`, { from: 5 + nth * 3, to: 7 + nth * 3 })
    const from = 40 + nth * 5 + ((nth * 37) % 90)
    book.consume(`billing-${nth % 5}`, 'billing', sent, { from, to: from + 30 + ((nth * 53) % 140) })
  }
  return { traceId, request: book.request() }
}

function under(work: Work): { readonly traceId: string; readonly parentSpanId: string } {
  return { traceId: work.traceId, parentSpanId: work.spanId }
}

function messaging(operation: string, topic: string): OtlpKeyValue[] {
  return [
    text('messaging.system', 'kafka'),
    text('messaging.operation.type', operation),
    text('messaging.destination.name', topic),
  ]
}

function text(key: string, value: string): OtlpKeyValue {
  return { key, value: { stringValue: value } }
}

/**
 * Traffic of a large system: each topic has a service that sends and one or two groups that
 * consume, some of them failing or slow.
 */
export function landscape(now: number, seed: number, services: number, topics: number): TracesRequest {
  const book = spanBook(now, seed)
  const nameOf = (nth: number): string =>
    `${AREAS[nth % AREAS.length]}-${WORK[Math.floor(nth / AREAS.length) % WORK.length]}`
  let trace = 0
  for (let topic = 0; topic < topics; topic += 1) {
    const from = (topic * 7) % services
    const name = `${AREAS[topic % AREAS.length]}.${EVENTS[Math.floor(topic / AREAS.length) % EVENTS.length]}.v${1 + Math.floor(topic / 120)}`
    for (let nth = 0; nth < 1 + (topic % 3); nth += 1) {
      const traceId = book.traceId(trace)
      trace = book.traceCount()
      const at = topic * 3 + nth * 11
      const root = book.add(nameOf(from), { traceId, name: `emit ${name}`, from: at, to: at + 20 })
      const sent = book.send(nameOf(from), traceId, root, name, { from: at + 4, to: at + 12 })
      for (let consumer = 0; consumer < 1 + (topic % 2); consumer += 1) {
        const to = (from + 1 + topic + consumer * 13) % services
        const wait = 8 + ((topic * 31 + consumer * 17) % 400)
        book.consume(nameOf(to), nameOf(to), sent, {
          from: at + 12 + wait,
          to: at + 30 + wait + (topic % 50),
          ...(topic % 23 === 0 ? { error: 'could not be stored' } : {}),
        })
        trace = book.traceCount()
      }
    }
  }
  return book.request()
}

const AREAS = ['orders', 'billing', 'stock', 'users', 'search', 'mail', 'fraud', 'ship', 'price', 'audit']
const WORK = ['api', 'worker', 'sync', 'index', 'export', 'rules', 'cache', 'report', 'gate', 'loader']
const EVENTS = [
  'created',
  'changed',
  'deleted',
  'failed',
  'paid',
  'sent',
  'seen',
  'moved',
  'merged',
  'due',
  'held',
  'done',
]

/**
 * Batches of batches: each of `traces` consumers links to `links` messages sent by earlier
 * consumers.
 */
export function denseFlow(
  now: number,
  seed: number,
  traces: number,
  links: number,
): { traceId: string; request: TracesRequest } {
  const book = spanBook(now, seed)
  const traceId = book.traceId(0)
  const root = book.add('loader', { traceId, name: 'import catalogue', from: 0, to: 400 })
  const sent = Array.from({ length: links }, (_, nth) =>
    book.send('loader', traceId, root, 'rows', { from: 10 + nth * 4, to: 12 + nth * 4 }),
  )
  for (let nth = 1; nth < traces; nth += 1) {
    const from = 60 + nth * 9
    const batch = Array.from(
      { length: links },
      (_, back) => sent[sent.length - 1 - ((back * 7) % sent.length)] ?? sent[0],
    )
    const work = book.consume(
      `stage-${nth % 9}`,
      'stages',
      batch.flatMap((one) => one ?? []),
      {
        from,
        to: from + 20 + (nth % 13) * 4,
        name: `process rows ${nth % 9}`,
      },
    )
    sent.push(book.send(`stage-${nth % 9}`, work.traceId, work.spanId, 'rows', { from: from + 6, to: from + 12 }))
  }
  return { traceId, request: book.request() }
}
