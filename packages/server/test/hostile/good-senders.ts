import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, kv, randomSpanId, randomTraceId, tracesOf } from '@spanlink/testkit/otlp'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'

export type GoodSenders = {
  readonly acked: number
  readonly pushedBack: number
  readonly ackP99Ms: number
  readonly slowestQueryableMs: number | undefined
}

const SPANS_PER_REQUEST = 20

/** Between two requests of a sender: a steady application, not a load test. */
const PAUSE_MS = 200

/** Between two looks for spans that were acknowledged. */
const LOOK_EVERY_MS = 100

/** After it, spans that were acknowledged count as lost. */
const LOST_AFTER_MS = 60_000

const WARM_REQUESTS = 10

/** Senders of one trace a request, each of which is looked for until the API returns all of it. */
export function startGoodSenders(
  server: SpanlinkServer,
  count: number,
): { untilWarm: () => Promise<void>; stop: () => Promise<GoodSenders> } {
  const ackMs: number[] = []
  const queryableMs: number[] = []
  const lookups: Promise<void>[] = []
  const stopped = new AbortController()
  const warm = Promise.withResolvers<void>()
  let acked = 0
  let pushedBack = 0
  let isLost = false

  const send = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const { traceId, body } = nextRequest()
      const startedAt = performance.now()
      const response = await fetch(`${server.otlpHttp}/v1/traces`, { method: 'POST', headers: PROTOBUF, body })
      const text = await response.text()
      if (response.status === 200) {
        ackMs.push(performance.now() - startedAt)
        acked += SPANS_PER_REQUEST
        lookups.push(lookFor(traceId))
        await sleep(PAUSE_MS)
      } else if (response.status === 429 || response.status === 503) {
        pushedBack++
        await sleep(1000 * Number(response.headers.get('retry-after') ?? 1))
      } else throw new Error(`a good sender got ${response.status}: ${text}`)
    }
  }
  const lookFor = async (traceId: string): Promise<void> => {
    const ackedAt = performance.now()
    while (!(await isQueryable(server, traceId))) {
      isLost ||= performance.now() - ackedAt > LOST_AFTER_MS
      if (isLost) return
      await sleep(LOOK_EVERY_MS)
    }
    queryableMs.push(performance.now() - ackedAt)
    if (queryableMs.length === WARM_REQUESTS) warm.resolve()
  }
  const senders = Promise.all(Array.from({ length: count }, send))
  senders.catch((error: unknown) => warm.reject(error))
  return {
    untilWarm: async () => {
      await warm.promise
      // Connections, code and caches were cold.
      ackMs.length = 0
      queryableMs.length = 0
    },
    stop: async () => {
      stopped.abort()
      await senders
      await Promise.all(lookups)
      return {
        acked,
        pushedBack,
        ackP99Ms: quantile(ackMs, 0.99),
        slowestQueryableMs: isLost ? undefined : Math.max(...queryableMs),
      }
    },
  }
}

const PROTOBUF = { 'content-type': 'application/x-protobuf' }

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
  return { traceId, body: Buffer.from(encodeTraces(tracesOf('good-sender', spans))) }
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
