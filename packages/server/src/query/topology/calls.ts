import { toRefKey, toSpanKey } from '../links/span-ref.ts'
import { isConsuming, isProducing } from '../messages/messaging-spans/messaging-span.ts'
import { toQuantiles } from './quantiles.ts'
import {
  hasMessaging,
  listSharers,
  type LinkingSpan,
  type SampledLink,
  type SampledSpan,
  toSharers,
  type TraceSample,
  type TraceSpans,
} from './sample/sampled-span.ts'
import type { SpanNumbers, Traffic } from './traffic.ts'

export type Call = {
  readonly caller: string
  readonly called: string
  /** Counts are scaled-up estimates if `sampled`. */
  readonly numbers: SpanNumbers
  readonly sampled: boolean
}

/**
 * Finds spans whose parent is in another service: call edges. A message becomes an edge over its
 * topic instead, unless its producer and consumer name no common topic.
 */
export function findCalls(sample: TraceSample, traffic: readonly Traffic[]): Call[] {
  const calls = new Map<string, { readonly caller: string; readonly called: string; readonly spans: LinkingSpan[] }>()
  const add = (caller: string, span: LinkingSpan): void => {
    const key = `${caller.length} ${caller}${span.service}`
    const call = calls.get(key)
    if (call === undefined) calls.set(key, { caller, called: span.service, spans: [span] })
    else call.spans.push(span)
  }
  for (const trace of sample.traces.values()) addRemoteChildren(trace, add)
  addUnnamedDeliveries(sample, traffic, add)
  return Array.from(calls.values(), ({ caller, called, spans }) => ({
    caller,
    called,
    numbers: toNumbers(spans, sample.oneIn),
    sampled: sample.oneIn > 1,
  }))
}

type AddCall = (caller: string, called: LinkingSpan) => void

/**
 * Adds the spans of a trace whose parent is in another service. A server span that shares its span
 * id with a client span (B3), or a consumer with a producer, is its child. Children of a shared id
 * belong to the span of their own service, else to the server span.
 */
function addRemoteChildren(trace: TraceSpans, add: AddCall): void {
  for (const one of trace.values()) {
    const sharers = toSharers(one)
    for (const child of sharers) {
      const isOfSharer = isInnerSharer(child, sharers) || child.parentSpanId === child.spanId
      const parents = isOfSharer ? sharers : toSharers(trace.get(child.parentSpanId))
      for (const parent of parents) {
        if (parent.service === child.service || isMessage(parent, child)) continue
        const isOuter = isOuterSharer(parent, parents)
        const isOfOwnService = parents.some(({ service }) => service === child.service)
        if (isOfSharer ? isOuter : !isOuter && !isOfOwnService) add(parent.service, child)
      }
    }
  }
}

function isInnerSharer({ kind }: SampledSpan, sharers: readonly SampledSpan[]): boolean {
  const outer = kind === 'server' ? 'client' : kind === 'consumer' ? 'producer' : undefined
  return outer !== undefined && sharers.some((one) => one.kind === outer)
}

function isOuterSharer({ kind }: SampledSpan, sharers: readonly SampledSpan[]): boolean {
  const inner = kind === 'client' ? 'server' : kind === 'producer' ? 'consumer' : undefined
  return inner !== undefined && sharers.some((one) => one.kind === inner)
}

function isMessage(parent: SampledSpan, child: SampledSpan): boolean {
  return isConsuming(child) && isProducing(parent) && child.topic !== '' && child.topic === parent.topic
}

/**
 * Adds consumers in other traces where the producer or the consumer names no topic, on the span or
 * on the link. Left out if another span of the service took the message with a topic.
 */
function addUnnamedDeliveries({ traces, links }: TraceSample, traffic: readonly Traffic[], add: AddCall): void {
  const unnamed = traffic.filter((row) => row.topic === '' && (isProducing(row) || isConsuming(row)))
  if (unnamed.length === 0) return
  const named = new Set(traffic.filter((row) => row.topic !== '' && isConsuming(row)).map(({ service }) => service))
  const isUnnamed = ({ source, record }: SampledLink): boolean =>
    record.topic === '' && (hasMessaging(source) ? source.topic === '' : !named.has(source.service))
  const remote = new Map<string, SampledLink>()
  for (const link of links) {
    if (link.source.traceId !== link.target.traceId) remote.set(toRefKey(link.target) + toSpanKey(link.source), link)
  }
  const deliveries = Map.groupBy(remote.values(), ({ target, source }) => `${toRefKey(target)} ${source.service}`)
  for (const same of deliveries.values()) {
    const sender = same[0] && listSharers(traces, same[0].target).find(isProducing)
    if (sender === undefined || (sender.topic !== '' && !same.every(isUnnamed))) continue
    for (const { source } of same) if (source.service !== sender.service) add(sender.service, source)
  }
}

function toNumbers(spans: readonly LinkingSpan[], oneIn: number): SpanNumbers {
  const failed = spans.filter(({ status }) => status === 'error')
  const durations = spans.map(({ start, end }) => (end > start ? Number(end - start) : 0))
  const longest = durations.reduce((best, duration, index) => (duration > (durations[best] ?? 0) ? index : best), 0)
  const toIds = (span: LinkingSpan | undefined) => [span?.traceId ?? '', span?.spanId ?? ''] as const
  return {
    count: spans.length * oneIn,
    errorCount: failed.length * oneIn,
    slowest: toIds(spans[longest]),
    failed: toIds(failed[0]),
    duration: toQuantiles(durations),
  }
}
