import { encodeSpans, type GeneratedLink, type GeneratedSpan } from './encode-spans.ts'

/**
 * Generated traffic, with 10 attributes a span and a link on every fourth. Everything about a span
 * follows from its number: the same options give the same bytes, and links need no memory.
 *
 * An order is four traces: a request that sends two messages, and three consumer groups that
 * consume both.
 */
export type Traffic = {
  readonly startNano: bigint
  readonly orderIntervalNano: number
  /** Distinct values of `user.id`; an order has one. */
  readonly users: number
  /**
   * True: each link is to a trace of any age. False: a consumer links to the message that it
   * consumed, which is three quarters of the links.
   */
  readonly hasRandomLinks: boolean
}

export const SPANS_PER_TRACE = 8
export const SPANS_PER_ORDER = 4 * SPANS_PER_TRACE
export const TOPICS = 100
const FIRST_OFFSET = 100_000
export const TENANTS = 100
/** The first ten handle requests, the others consume. */
export const SERVICES = 30
const REQUEST_SERVICES = 10

const SERVER = 2
const CLIENT = 3
const PRODUCER = 4
const CONSUMER = 5
const INTERNAL = 1

/** 512 spans. */
export const ORDERS_PER_REQUEST = 16

/** Requests with the orders in `[from, to)`. */
export function* encodeOrders(traffic: Traffic, from: number, to: number): Generator<Buffer> {
  for (let first = from; first < to; first += ORDERS_PER_REQUEST) {
    const count = Math.min(ORDERS_PER_REQUEST, to - first)
    yield encodeSpans(Array.from({ length: count }, (_, at) => generateOrder(traffic, first + at)).flat())
  }
}

/** The 32 spans of an order. */
export function generateOrder(traffic: Traffic, order: number): GeneratedSpan[] {
  const spans: GeneratedSpan[] = []
  for (let trace = 0; trace < 4; trace++) {
    const traceId = traceIdOf(order, trace)
    for (let at = 0; at < SPANS_PER_TRACE; at++) spans.push(generateSpan(traffic, order, trace, at, traceId))
  }
  return spans
}

function generateSpan(traffic: Traffic, order: number, trace: number, at: number, traceId: string): GeneratedSpan {
  const number = order * SPANS_PER_ORDER + trace * SPANS_PER_TRACE + at
  const message = at >> 2
  const messageHash = hash(order * 2 + message, 1)
  const topicNumber = messageHash % TOPICS
  const isRetried = messageHash % 1000 === 0
  const isDead = isRetried && Math.floor(messageHash / 1000) % 10 === 0
  const isTwice = messageHash % 2000 === 1
  const isLost = messageHash % 5000 === 2
  const isRetry = trace === 3 && isRetried

  const topic = `topic-${topicNumber}${isRetry ? '.retry' : ''}`
  const group = isRetry || (trace === 2 && isTwice) ? 1 : trace
  const consumes = trace > 0 && at % 4 === 0 && !isLost
  const sends = trace === 0 && at % 4 === 2
  const forwards = isRetried && at % 4 === 1 && (trace === 1 || (trace === 3 && isDead))
  const destination = forwards ? `topic-${topicNumber}${trace === 1 ? '.retry' : '.dlq'}` : topic
  const service =
    trace === 0
      ? `service-${hash(order, 2 + message) % REQUEST_SERVICES}`
      : `service-${REQUEST_SERVICES + ((topicNumber * 3 + group) % (SERVICES - REQUEST_SERVICES))}`
  const kind = consumes ? CONSUMER : sends || forwards ? PRODUCER : at === 0 ? SERVER : at % 2 === 1 ? CLIENT : INTERNAL
  const operation = hash(number, 4) % 12
  const name = consumes ? `process ${topic}` : sends || forwards ? `send ${destination}` : `operation-${operation}`
  const random = hash(number, 5)

  // Up to 300 ms; at least 12 s for one message in two hundred.
  const isLate = trace === 1 && messageHash % 200 === 7
  const queueNano = trace === 0 ? 0 : isLate ? 12e9 + (messageHash % 8e9) : messageHash % 300e6
  const offsetNano =
    Math.round(order * traffic.orderIntervalNano) + trace * 20e6 + queueNano + at * 1e6 + (random % 5e5)
  const common = { 'user.id': userOf(traffic, order), 'app.tenant': tenant(hash(order, 6) % TENANTS) }
  const attributes: GeneratedSpan['attributes'] =
    consumes || sends || forwards
      ? {
          'messaging.system': 'kafka',
          'messaging.destination.name': destination,
          'messaging.operation.type': consumes ? 'process' : 'send',
          'messaging.destination.partition.id': String(messageHash % 12),
          'messaging.kafka.offset': FIRST_OFFSET + order,
          ...(consumes
            ? { 'messaging.consumer.group.name': `group-${topicNumber}-${group}` }
            : { 'messaging.client.id': service }),
          'messaging.kafka.message.key': `order-${messageHash % 1_000_000}`,
          'messaging.message.body.size': 120 + (random % 4000),
          ...common,
        }
      : generateRequestAttributes(random, service, name, common)
  return {
    traceId,
    spanId: spanIdOf(number),
    parentSpanId: at === 0 ? '' : spanIdOf(number - at + ((at - 1) >> 1)),
    service,
    name,
    kind,
    isError: (consumes && isRetried && (trace === 1 || (isDead && trace === 3))) || hash(number, 7) % 500 === 0,
    startNano: traffic.startNano + BigInt(offsetNano),
    durationNano: 50_000 + (random % 1000) * ((random >>> 10) % 1000) * 50,
    attributes,
    links: generateLinks(traffic, { order, trace, at, consumes, isRetry, topic }),
  }
}

/** Eight attributes of an HTTP request and `common`. */
export function generateRequestAttributes(
  random: number,
  service: string,
  name: string,
  common: Readonly<Record<string, string>>,
): GeneratedSpan['attributes'] {
  return {
    'http.request.method': ['GET', 'POST', 'PUT'][random % 3] as string,
    'http.route': `/api/v2/${name}/orders/{id}`,
    'url.path': `/api/v2/${name}/orders/${random % 100_000}`,
    'http.response.status_code': [200, 201, 404][(random >>> 4) % 3] as number,
    'server.address': `${service}.shop.svc.cluster.local`,
    'server.port': 8443,
    'user_agent.original': AGENTS[(random >>> 22) % AGENTS.length] as string,
    'client.address': `10.${(random >>> 8) % 4}.${(random >>> 10) % 16}.${(random >>> 14) % 250}`,
    ...common,
  }
}

const AGENTS = ['shop-app/8.2.1 (iOS 20.1)', 'shop-app/8.2.0 (Android 17)', 'curl/8.14.1', 'node']

/** Every consuming span links to the message; two client spans of a request link to any trace. */
function generateLinks(
  { hasRandomLinks }: Traffic,
  { order, trace, at, consumes, isRetry, topic }: SpanPlace,
): readonly GeneratedLink[] {
  const anyOrder = hash(order, 16 + trace * SPANS_PER_TRACE + at) % (order + 1)
  if (consumes) {
    const attributes = { 'messaging.destination.name': topic, 'messaging.kafka.offset': FIRST_OFFSET + order }
    const target = hasRandomLinks ? findMessageSpan(anyOrder, at >> 2, false) : findMessageSpan(order, at >> 2, isRetry)
    return [{ ...target, attributes }]
  }
  if (trace !== 0 || at % 4 !== 3) return []
  const attributes = { 'app.link.reason': 'same customer', 'app.link.order': anyOrder }
  return [{ traceId: traceIdOf(anyOrder, 0), spanId: spanIdOf(anyOrder * SPANS_PER_ORDER), attributes }]
}

type SpanPlace = {
  readonly order: number
  readonly trace: number
  readonly at: number
  readonly consumes: boolean
  readonly isRetry: boolean
  readonly topic: string
}

/** The span that sends a message: of the request, or of the consumer that retries it. */
function findMessageSpan(order: number, message: number, isRetry: boolean): { traceId: string; spanId: string } {
  const trace = isRetry ? 1 : 0
  const at = 4 * message + (isRetry ? 1 : 2)
  return {
    traceId: traceIdOf(order, trace),
    spanId: spanIdOf(order * SPANS_PER_ORDER + trace * SPANS_PER_TRACE + at),
  }
}

export function userOf({ users }: Traffic, order: number): string {
  return `user-${hash(order % users, 8)
    .toString(16)
    .padStart(8, '0')}`
}

export function tenant(number: number): string {
  return `tenant-${number}`
}

export function traceIdOf(order: number, trace: number): string {
  const number = order * 4 + trace
  return fourBytes(number, 9) + fourBytes(number, 10) + fourBytes(number, 11) + fourBytes(number, 12)
}

export function spanIdOf(number: number): string {
  return fourBytes(number, 13) + fourBytes(number, 14)
}

function fourBytes(number: number, salt: number): string {
  const value = hash(number, salt)
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

/** 32 bits, different for every number below 2^32 and one salt (the finalizer of MurmurHash3). */
export function hash(number: number, salt: number): number {
  let bits = number ^ Math.imul(salt, 0x9e3779b1)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** Spans of a service with a value of `user.id`, which two orders have at most. */
export function countSpans(traffic: Traffic, orders: number, order: number, service: string): number {
  const first = order % traffic.users
  const same = [first, first + traffic.users].filter((one) => one < orders)
  return same.flatMap((one) => generateOrder(traffic, one)).filter((span) => span.service === service).length
}
