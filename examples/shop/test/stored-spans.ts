import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { expect } from 'vitest'

// Answers of Spanlink's API (packages/api-schema), as far as they are looked at here.
interface Trace {
  readonly traceId: string
  readonly spans: readonly Span[]
}
interface Span {
  readonly spanId: string
  readonly parentSpanId: string
  readonly service: string
  readonly name: string
  readonly kind: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly target: unknown }[]
  readonly backlinkCount: number
}
export interface Links {
  readonly total: number
  readonly links: readonly {
    readonly spanId: string
    readonly peerTraceId: string
    readonly peer: { readonly service: string; readonly name: string } | null
    readonly queueTimeNano: string | null
  }[]
}

/**
 * Waits until the order is through: its parcel went out by `method`, its receipt is sent, its fraud
 * score is there.
 */
export async function settled(spanlink: SpanlinkServer, method: string): Promise<void> {
  await eventually(async () => {
    const values = (await everySpan(spanlink)).map((span) => attribute(span, 'shop.shipping.method'))
    return values.includes(method) || undefined
  })
  await eventually(async () => (await find(spanlink, 'email', 'process payments')) && true)
  await eventually(async () => (await find(spanlink, 'fraud', 'process payments')) && true)
}

/**
 * What handlers made of the tier that only the gateway was told: by eachMessage in shipping, by
 * eachBatch in email.
 */
export async function baggageArrived(spanlink: SpanlinkServer, tier: string): Promise<void> {
  const spans = await everySpan(spanlink)
  const of = (service: string, key: string): readonly string[] =>
    spans.filter((span) => span.service === service).flatMap((span) => attribute(span, key) ?? [])
  expect(of('shipping', 'shop.shipping.method')).toEqual([tier === 'gold' ? 'express' : 'standard'])
  expect(of('email', 'shop.email.template')).toEqual([`paid-${tier}`])
}

function attribute(span: Span, wanted: string): string | undefined {
  return span.attributes.find(({ key }) => key === wanted)?.value.stringValue
}

export function spanOf(trace: Trace, name: string): Span {
  const span = trace.spans.find((one) => one.name === name)
  if (!span) throw new Error(`no span ${name} among ${trace.spans.map((one) => one.name).join(', ')}`)
  return span
}

export async function traceOf(spanlink: SpanlinkServer, traceId: string): Promise<Trace> {
  return (await spanlink.getJson(`/api/traces/${traceId}`)) as Trace
}

export async function linksInto(spanlink: SpanlinkServer, traceId: string): Promise<Links> {
  return (await spanlink.getJson(`/api/traces/${traceId}/links?direction=in`)) as Links
}

export async function find(spanlink: SpanlinkServer, service: string, operation: string): Promise<Trace | undefined> {
  const query = new URLSearchParams({ service, operation })
  const { traces } = (await spanlink.getJson(`/api/traces?${query}`)) as { readonly traces: readonly Trace[] }
  return traces[0] && (await traceOf(spanlink, traces[0].traceId))
}

async function everySpan(spanlink: SpanlinkServer): Promise<readonly Span[]> {
  const { traces } = (await spanlink.getJson('/api/traces?limit=500')) as { readonly traces: readonly Trace[] }
  const whole = await Promise.all(traces.map(async ({ traceId }) => await traceOf(spanlink, traceId)))
  return whole.flatMap(({ spans }) => spans)
}

/** Asks until there is an answer; the test's own time limit ends it. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
