import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, kv, randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'

/** Measurements of requests first sent after the attack began. */
export type GoodExporters = {
  /** Acknowledged requests of the exporter that had the fewest. */
  readonly ackedRequests: number
  readonly pushedBack: number
  readonly ackP99Ms: number
  readonly slowestQueryableMs: number | undefined
}

const SPANS_PER_REQUEST = 20

/** Between two requests of an exporter: a steady application, not a load test. */
const PAUSE_MS = 200

/**
 * Before each lookup of acknowledged spans. They are inserted 300 ms after the request at the
 * earliest, and more lookups take CPU from the attack.
 */
const LOOKUP_INTERVAL_MS = 400

/** Acknowledged spans that are not queryable after this time count as lost. */
const LOST_AFTER_MS = 60_000

const WARM_REQUESTS = 10

/**
 * Each exporter continues after the attack until so many requests are acknowledged, so that a short
 * attack is measured too.
 */
export const MIN_ACKED_REQUESTS = 10

/** An exporter that is still rejected this long after the attack has failed. */
const RECOVERED_AFTER_MS = 60_000

/** Exporters of one trace per request, which is looked up until the API returns all its spans. */
export function startGoodExporters(
  server: SpanlinkServer,
  count: number,
): { untilWarm: () => Promise<void>; stop: () => Promise<GoodExporters> } {
  const ackMs = Array.from({ length: count }, (): number[] => [])
  const queryableMs: number[] = []
  const lookups: Promise<void>[] = []
  const warm = Promise.withResolvers<void>()
  const overdue = new AbortController()
  let attackedAt = Infinity
  let warmRequests = 0
  const attackOver = new AbortController()
  let pushedBack = 0
  let isLost = false

  const send = async (acks: number[]): Promise<void> => {
    const { signal } = overdue
    while (!attackOver.signal.aborted || acks.length < MIN_ACKED_REQUESTS) {
      const { traceId, body } = nextRequest()
      const isMeasured = performance.now() >= attackedAt
      let startedAt = performance.now()
      let response = await post(server, body, signal)
      while (response.status === 429 || response.status === 503) {
        if (isMeasured) pushedBack++
        await sleep(1000 * response.retryAfter, undefined, { signal })
        startedAt = performance.now()
        response = await post(server, body, signal)
      }
      if (response.status !== 200) throw new Error(`a good exporter got ${response.status}: ${response.text}`)
      if (isMeasured) acks.push(performance.now() - startedAt)
      lookups.push(lookUp(traceId, isMeasured))
      await sleep(PAUSE_MS, undefined, { signal })
    }
  }
  const lookUp = async (traceId: string, isMeasured: boolean): Promise<void> => {
    const ackedAt = performance.now()
    for (;;) {
      await sleep(LOOKUP_INTERVAL_MS)
      if (await isQueryable(server, traceId)) break
      isLost ||= performance.now() - ackedAt > LOST_AFTER_MS
      if (isLost) return
    }
    if (isMeasured) queryableMs.push(performance.now() - ackedAt)
    else if (++warmRequests === WARM_REQUESTS) warm.resolve()
  }
  const exporters = Promise.all(ackMs.map(send))
  exporters.catch((error: unknown) => warm.reject(error))
  return {
    untilWarm: async () => {
      await warm.promise
      // Connections, code and caches were cold before.
      attackedAt = performance.now()
    },
    stop: async () => {
      attackOver.abort()
      const timer = setTimeout(() => overdue.abort(), RECOVERED_AFTER_MS)
      await exporters.finally(() => clearTimeout(timer))
      await Promise.all(lookups)
      return {
        ackedRequests: Math.min(...ackMs.map((acks) => acks.length)),
        pushedBack,
        ackP99Ms: quantile(ackMs.flat(), 0.99),
        slowestQueryableMs: isLost ? undefined : Math.max(...queryableMs),
      }
    },
  }
}

const PROTOBUF = { 'content-type': 'application/x-protobuf' }

async function post(
  server: SpanlinkServer,
  body: Buffer<ArrayBuffer>,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string; readonly retryAfter: number }> {
  const response = await fetch(`${server.otlpHttp}/v1/traces`, { method: 'POST', headers: PROTOBUF, body, signal })
  const retryAfter = Number(response.headers.get('retry-after') ?? 1)
  return { status: response.status, text: await response.text(), retryAfter }
}

function nextRequest(): { readonly traceId: string; readonly body: Buffer<ArrayBuffer> } {
  const traceId = randomTraceId()
  const now = BigInt(Date.now()) * 1_000_000n
  const spans = Array.from({ length: SPANS_PER_REQUEST }, (_, at) => ({
    traceId,
    spanId: randomSpanId(),
    name: `step ${at}`,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes: [kv('order.id', at), kv('region', 'eu')],
    links: [{ traceId: randomTraceId(), spanId: randomSpanId() }],
  }))
  return { traceId, body: Buffer.from(encodeTraces(tracesOf('good-exporter', spans))) }
}

async function isQueryable(server: SpanlinkServer, traceId: string): Promise<boolean> {
  const response = await fetch(`${server.url}/api/traces/${traceId}`)
  const text = await response.text()
  if (!response.ok) return false
  const { spans } = JSON.parse(text) as { readonly spans: readonly unknown[] }
  return spans.length === SPANS_PER_REQUEST
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}
