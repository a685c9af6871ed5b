import { encodeSpans, type GeneratedLink, type GeneratedSpan, toHex } from './encode-spans.ts'
import { generateRequestAttributes, hash, SERVICES, SPANS_PER_ORDER, spanIdOf, traceIdOf } from './traffic.ts'

// Beyond the orders and spans of any data set.
const FIRST_ORDER = 2 ** 24
const FIRST_SPAN = 2 ** 30

/** First traces of 100,000 and of 1,000 spans, of spans with 1,000 links, and of a flow. */
const [LARGE, WIDE, FLOW] = [0, 100, 200].map((offset) => FIRST_ORDER + offset) as [number, number, number]

const LARGE_SIZES = [100_000, 1_000, 1_000, 1_000, 1_000, 1_000]
const WIDE_SPANS = 20
const WIDE_LINKS = 1_000
const FLOW_TRACES = 200
const FLOW_SPANS = 12
const FLOW_LINKS = 2_000

/** Ids in hex. */
export const specialTraceIds = {
  spans100k: idOf(LARGE),
  spans1k: LARGE_SIZES.slice(1).map((_, nth) => idOf(LARGE + 1 + nth)),
  links1k: Array.from({ length: WIDE_SPANS }, (_, nth) => idOf(WIDE + nth)),
  flow: idOf(FLOW),
}

/**
 * Requests with the traces, `orders` are targets of links. Large traces are at `startNano`; messages
 * are an hour before, so that lists of messages do not find them.
 */
export function* encodeSpecialTraces(startNano: bigint, orders: number): Generator<Buffer> {
  for (const [nth, size] of LARGE_SIZES.entries()) {
    for (let from = 0; from < size; from += SPANS_PER_REQUEST)
      yield encodeSpans(
        Array.from({ length: Math.min(SPANS_PER_REQUEST, size - from) }, (_, at) =>
          generateLargeTraceSpan(startNano, LARGE + nth, from + at),
        ),
      )
  }
  const earlierNano = startNano - 3_600_000n * MS
  for (let nth = 0; nth < WIDE_SPANS; nth++) yield encodeSpans([generateWideSpan(earlierNano, WIDE + nth, orders)])
  for (let trace = 0; trace < FLOW_TRACES; trace++)
    yield encodeSpans(Array.from({ length: FLOW_SPANS }, (_, at) => generateFlowSpan(earlierNano, trace, at)))
}

const SPANS_PER_REQUEST = 1_000
const MS = 1_000_000n

/** Batches of 50 spans under the root, a span every 6 ms. */
function generateLargeTraceSpan(startNano: bigint, order: number, at: number): GeneratedSpan {
  const number = numberOf(order, at)
  const random = hash(number, 5)
  const isBatch = at % 50 === 0
  const service = `service-${Math.floor(at / 50) % SERVICES}`
  const name = isBatch ? 'process batch' : `step-${at % 50}`
  return {
    traceId: traceIdOf(order, 0),
    spanId: spanIdOf(number),
    parentSpanId: at === 0 ? '' : spanIdOf(isBatch ? numberOf(order, 0) : number - (at % 50)),
    service,
    name,
    kind: 1,
    isError: random % 1000 === 0,
    startNano: startNano + BigInt(at) * 6n * MS,
    durationNano: 5_000_000 + (random % 40_000_000),
    attributes: generateRequestAttributes(random, service, name, { 'app.batch': `batch-${order}` }),
    links: [],
  }
}

/** A batch of 1,000 records: a consumer with a link to each. */
function generateWideSpan(startNano: bigint, order: number, orders: number): GeneratedSpan {
  const links = Array.from({ length: WIDE_LINKS }, (_, nth): GeneratedLink => {
    const target = hash(nth, order) % orders
    const attributes = { 'messaging.destination.name': 'batches', 'messaging.kafka.offset': nth }
    return { traceId: traceIdOf(target, 0), spanId: spanIdOf(target * SPANS_PER_ORDER), attributes }
  })
  return generateKafkaSpan(startNano + BigInt(order - WIDE) * 1000n * MS, order, 0, 'batches', links)
}

/**
 * Flow of 200 traces connected by 2,000 links, to all earlier traces evenly, so that all traces are
 * near the first. The last trace also has the links of the first, which has none.
 */
function generateFlowSpan(startNano: bigint, trace: number, at: number): GeneratedSpan {
  const count = at > 0 || trace === 0 ? 0 : trace < FLOW_TRACES - 1 ? 10 : FLOW_LINKS - (FLOW_TRACES - 2) * 10
  const links = Array.from({ length: count }, (_, nth): GeneratedLink => {
    const target = FLOW + Math.floor((trace * nth) / count)
    const spanId = spanIdOf(numberOf(target, 1 + (nth % (FLOW_SPANS - 1))))
    return { traceId: traceIdOf(target, 0), spanId, attributes: {} }
  })
  return generateKafkaSpan(startNano + BigInt(trace * 50 + at) * MS, FLOW + trace, at, 'orders', links)
}

/** A consumer at 0, its producers after it. */
function generateKafkaSpan(
  startNano: bigint,
  order: number,
  at: number,
  topic: string,
  links: readonly GeneratedLink[],
): GeneratedSpan {
  return {
    traceId: traceIdOf(order, 0),
    spanId: spanIdOf(numberOf(order, at)),
    parentSpanId: at === 0 ? '' : spanIdOf(numberOf(order, 0)),
    service: `service-${order % 20}`,
    name: `${at === 0 ? 'process' : 'send'} ${topic}`,
    kind: at === 0 ? 5 : 4,
    isError: false,
    startNano,
    durationNano: 1_000_000,
    attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': topic },
    links,
  }
}

function idOf(order: number): string {
  return toHex(traceIdOf(order, 0))
}

function numberOf(order: number, at: number): number {
  return FIRST_SPAN + (order - FIRST_ORDER) * 100_000 + at
}
