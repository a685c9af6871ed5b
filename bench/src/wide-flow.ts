import { setTimeout as sleep } from 'node:timers/promises'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { tracesOf } from '@spanlink/testkit/otlp'
import type { OtlpSpan } from '@spanlink/testkit/otlp'

const TRACES = 200
const LINKS = 2_000
const SPANS_OF_TRACE = 12
const MS = 1_000_000n

/**
 * Sends a flow of 200 traces connected by 2,000 links, waits until all of it is queryable, and
 * returns one of its trace ids.
 */
export async function sendWideFlow(server: SpanlinkServer): Promise<string> {
  const start = BigInt(Date.now() - 60_000) * MS
  const mark = start.toString(16).padStart(16, '0')
  const traceId = (trace: number): string => mark + trace.toString(16).padStart(16, '0')
  const spanId = (trace: number, span: number): string =>
    (1n + BigInt(trace * 100 + span)).toString(16).padStart(16, '0')
  for (let trace = 0; trace < TRACES; trace++) {
    const spans = Array.from({ length: SPANS_OF_TRACE }, (_, span): OtlpSpan => {
      const at = start + BigInt(trace) * 50n * MS + BigInt(span) * MS
      return {
        traceId: traceId(trace),
        spanId: spanId(trace, span),
        ...(span === 0 ? {} : { parentSpanId: spanId(trace, 0) }),
        name: span === 0 ? 'process orders' : 'send orders',
        kind: span === 0 ? 5 : 4,
        startTimeUnixNano: String(at),
        endTimeUnixNano: String(at + MS),
        attributes: [
          { key: 'messaging.system', value: { stringValue: 'kafka' } },
          { key: 'messaging.destination.name', value: { stringValue: 'orders' } },
        ],
        links: span === 0 ? linksOf(trace) : [],
      }
    })
    const response = await server.sendSpans(tracesOf(`service-${trace % 20}`, spans))
    if (!response.ok) throw new Error(`the flow was rejected: ${response.status}`)
  }
  for (;;) {
    const response = await fetch(`${server.url}/api/flows/${traceId(0)}`)
    const { edges = [] } = (await response.json()) as { readonly edges?: readonly object[] }
    if (edges.length >= LINKS) return traceId(0)
    await sleep(200)
  }

  /**
   * Links to all earlier traces evenly, so that all traces are near the first. The last trace also
   * gets the links of the first, which has none.
   */
  function linksOf(trace: number): { readonly traceId: string; readonly spanId: string }[] {
    const links: { traceId: string; spanId: string }[] = []
    if (trace === 0) return links
    const wanted = trace === TRACES - 1 ? LINKS - linksBefore(TRACES - 1) : 10
    for (let n = 0; n < wanted; n++) {
      const target = Math.floor((trace * n) / wanted)
      links.push({ traceId: traceId(target), spanId: spanId(target, 1 + (n % (SPANS_OF_TRACE - 1))) })
    }
    return links
  }
  function linksBefore(trace: number): number {
    return (trace - 1) * 10
  }
}
