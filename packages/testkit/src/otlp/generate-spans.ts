import type { OtlpKeyValue, OtlpLink, OtlpSpan, ResourceSpans, TracesRequest } from './types.ts'
import { pick, randomInt, seededRandom, skewedInt, type Random } from './random.ts'
import { spanAttributes, type SpanRole } from './generate-attributes.ts'
import { randomSpanId, randomTraceId } from './trace-ids.ts'

export interface GenerateOptions {
  /** Total number of spans. */
  readonly spans: number
  /** The same seed and options give the same spans. @default 1 */
  readonly seed?: number
  /** Share of spans with a link to an earlier producer span. @default 0.25 */
  readonly linkRatio?: number
  /** Attributes per span. @default 10 */
  readonly attributes?: number
  /** Average trace size; traces have from 1 to twice as many spans. @default 8 */
  readonly spansPerTrace?: number
  /**
   * The first trace's start in Unix nanoseconds; a trace starts every millisecond. @default
   * 2026-11-20T00:00:00Z
   */
  readonly start?: bigint
  /** Share of spans with status error and an exception event. @default 0.02 */
  readonly errorRatio?: number
}

/**
 * Realistic spans as one request: a tree of a dozen services, with ids and values of realistic
 * cardinality.
 */
export function generateSpans(options: GenerateOptions): TracesRequest {
  return {
    resourceSpans: [...generateRequests(options, options.spans)].flatMap((request) => request.resourceSpans ?? []),
  }
}

/**
 * The same spans as lazily generated requests of about `spansPerRequest`. Traces are not split, so
 * a request may be larger.
 */
export function* generateRequests(options: GenerateOptions, spansPerRequest = 512): Generator<TracesRequest> {
  const random = seededRandom(options.seed ?? 1)
  const producers: Producer[] = []
  const average = options.spansPerTrace ?? 8
  let start = options.start ?? DEFAULT_START
  let left = options.spans
  while (left > 0) {
    const byService = new Map<string, OtlpSpan[]>()
    let room = Math.min(left, spansPerRequest)
    left -= room
    while (room > 0) {
      const size = Math.min(room, 1 + randomInt(random, average * 2 - 1))
      addTrace({ random, options, producers, start, size, byService })
      room -= size
      start += 1_000_000n
    }
    yield { resourceSpans: [...byService].map(([service, spans]) => resourceSpans(service, spans)) }
  }
}

// A fixed day keeps runs comparable.
const DEFAULT_START = BigInt(Date.UTC(2026, 10, 20)) * 1_000_000n

/** Number of recent producers that links can point to; enough to span many requests. */
const PRODUCERS_KEPT = 10_000

const SERVICES = [
  'gateway',
  'payment',
  'inventory',
  'shipping',
  'email',
  'fraud',
  'catalog',
  'cart',
  'pricing',
  'search',
  'accounts',
  'ledger',
] as const

interface Producer {
  readonly traceId: string
  readonly spanId: string
  readonly topic: string
}

interface TraceInMaking {
  readonly random: Random
  readonly options: GenerateOptions
  readonly producers: Producer[]
  readonly start: bigint
  readonly size: number
  readonly byService: Map<string, OtlpSpan[]>
}

interface Placed {
  readonly spanId: string
  readonly service: string
  readonly start: bigint
  readonly end: bigint
}

/** Children lie inside their parents, so that waterfalls and critical paths are realistic. */
function addTrace(trace: TraceInMaking): void {
  const { random, options, producers, byService } = trace
  const traceId = randomTraceId(random)
  const placed: Placed[] = []
  for (let index = 0; index < trace.size; index++) {
    const parent = index === 0 ? undefined : pick(random, placed)
    const linked = random() < (options.linkRatio ?? 0.25) ? linkTo(random, producers) : undefined
    const role = roleOf(random, index, linked !== undefined)
    const service = parent && role !== 'consumer' && random() < 0.6 ? parent.service : pick(random, SERVICES)
    const { start, end } = interval(random, parent, trace.start)
    const spanId = randomSpanId(random)
    const topic = linked?.topic ?? `${pick(random, SERVICES)}-events`
    const failed = random() < (options.errorRatio ?? 0.02)
    const { name, attributes } = spanAttributes({
      random,
      role,
      service,
      topic,
      failed,
      count: options.attributes ?? 10,
    })

    placed.push({ spanId, service, start, end })
    if (role === 'producer') remember(producers, { traceId, spanId, topic }, random)
    const spans = byService.get(service) ?? []
    byService.set(service, spans)
    spans.push({
      traceId,
      spanId,
      ...(parent && { parentSpanId: parent.spanId }),
      name,
      kind: KIND[role],
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(end),
      attributes,
      ...(failed && { events: [exception(end)], status: { code: 2, message: 'upstream timed out' } }),
      ...(linked && { links: [linked.link] }),
      flags: parent ? 0x101 : 0x100,
    })
  }
}

const KIND: Readonly<Record<SpanRole, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

function roleOf(random: Random, index: number, linked: boolean): SpanRole {
  if (linked) return 'consumer'
  if (index === 0) return 'server'
  return pick(random, ['producer', 'client', 'client', 'internal', 'server'] as const)
}

function interval(random: Random, parent: Placed | undefined, start: bigint): { start: bigint; end: bigint } {
  if (!parent) return { start, end: start + BigInt(1_000_000 + skewedInt(random, 400_000_000)) }
  const room = Number(parent.end - parent.start)
  const offset = Math.floor(random() * room * 0.5)
  const length = Math.floor(random() * (room - offset))
  return { start: parent.start + BigInt(offset), end: parent.start + BigInt(offset + length) }
}

function linkTo(random: Random, producers: readonly Producer[]): { link: OtlpLink; topic: string } | undefined {
  if (producers.length === 0) return undefined
  const { traceId, spanId, topic } = pick(random, producers)
  const attributes: OtlpKeyValue[] = [
    { key: 'messaging.destination.name', value: { stringValue: topic } },
    { key: 'messaging.destination.partition.id', value: { stringValue: String(randomInt(random, 12)) } },
    { key: 'messaging.kafka.offset', value: { intValue: String(randomInt(random, 10_000_000)) } },
  ]
  return { link: { traceId, spanId, attributes, flags: 0x301 }, topic }
}

function remember(producers: Producer[], producer: Producer, random: Random): void {
  if (producers.length < PRODUCERS_KEPT) producers.push(producer)
  else producers[randomInt(random, PRODUCERS_KEPT)] = producer
}

function exception(time: bigint): NonNullable<OtlpSpan['events']>[number] {
  return {
    timeUnixNano: String(time),
    name: 'exception',
    attributes: [
      { key: 'exception.type', value: { stringValue: 'TimeoutError' } },
      { key: 'exception.message', value: { stringValue: 'upstream timed out after 2000 ms' } },
    ],
  }
}

function resourceSpans(service: string, spans: readonly OtlpSpan[]): ResourceSpans {
  return {
    resource: {
      attributes: [
        { key: 'service.name', value: { stringValue: service } },
        { key: 'service.version', value: { stringValue: '2.14.0' } },
        { key: 'service.instance.id', value: { stringValue: `${service}-7c9f4d5b6-x2x4q` } },
        { key: 'telemetry.sdk.language', value: { stringValue: 'nodejs' } },
        { key: 'process.pid', value: { intValue: '17' } },
      ],
    },
    scopeSpans: [{ scope: { name: '@spanlink/kafka', version: '0.1.0' }, spans }],
  }
}
