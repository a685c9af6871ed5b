import { randomBytes } from 'node:crypto'
import { encodeTraces, type kv, tracesOf } from '@spanlink/testkit/otlp'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'

export type SentSpans = {
  readonly ids: readonly string[]
  readonly traceIds: readonly string[]
  /** Targets of the links; these traces are not stored. */
  readonly linkedTraceIds: readonly string[]
  readonly response: Response
}

/** One request of that many spans, each a trace with these attributes and a link. */
export async function sendOrderSpans(
  server: SpanlinkServer,
  count: number,
  attributes: ReturnType<typeof kv>[] = [],
  startUnixNano?: bigint,
): Promise<SentSpans> {
  const random = (bytes: number): string[] => Array.from({ length: count }, () => randomBytes(bytes).toString('hex'))
  const [ids, traceIds, linkedTraceIds] = [random(8), random(16), random(16)]
  const time = startUnixNano?.toString()
  const body = encodeTraces(
    tracesOf(
      'orders',
      ids.map((spanId, at) => ({
        traceId: traceIds[at] as string,
        spanId,
        name: 'orders process',
        attributes,
        links: [{ traceId: linkedTraceIds[at] as string, spanId: randomBytes(8).toString('hex') }],
        ...(time === undefined ? {} : { startTimeUnixNano: time, endTimeUnixNano: time }),
      })),
    ),
  )
  const headers = { 'content-type': 'application/x-protobuf' }
  const response = await fetch(`${server.otlpHttp}/v1/traces`, { method: 'POST', headers, body: Uint8Array.from(body) })
  await response.arrayBuffer()
  return { ids, traceIds, linkedTraceIds, response }
}
