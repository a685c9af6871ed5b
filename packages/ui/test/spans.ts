import type { Span, TraceSkeleton } from '@spanlink/api-schema'

/**
 * A span of a response with the given fields and defaults for the rest. Times are
 * milliseconds.
 */
export function span(
  id: number,
  given: Partial<Omit<Span, 'spanId'>> & { parent?: number; at?: number; for?: number } = {},
): Span {
  const { parent, at = 0, for: length = 1, ...rest } = given
  return {
    spanId: spanId(id),
    parentSpanId: parent === undefined ? '' : spanId(parent),
    service: 'shop',
    name: `span ${id}`,
    kind: 'internal',
    startTimeUnixNano: nano(at),
    endTimeUnixNano: nano(at + length),
    status: { code: 'unset', message: '' },
    traceState: '',
    flags: 0x101,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    backlinkCount: 0,
    source: -1,
    ...rest,
  }
}

export function spanId(id: number): string {
  return id.toString(16).padStart(16, '0')
}

/** The skeleton of a trace of these spans. */
export function response(spans: readonly Span[]): TraceSkeleton {
  const starts = spans.map((one) => BigInt(one.startTimeUnixNano))
  const first = starts.reduce((min, at) => (at < min ? at : min), starts[0] ?? 0n)
  const indexOf = new Map<string, number>()
  for (const [i, one] of spans.entries()) if (!indexOf.has(one.spanId)) indexOf.set(one.spanId, i)
  const services = distinct(spans.map((one) => one.service))
  const names = distinct(spans.map((one) => one.name))
  const counts = (of: (one: Span) => number): number[] => spans.flatMap((one, i) => (of(one) === 0 ? [] : [i, of(one)]))
  return {
    traceId: 'a'.repeat(32),
    startTimeUnixNano: String(first),
    count: spans.length,
    spanIds: spans.map((one) => one.spanId).join(''),
    parent: column(
      Int32Array.from(spans, (one) => (one.parentSpanId === '' ? -1 : (indexOf.get(one.parentSpanId) ?? -2))),
    ),
    services: [...services.keys()],
    service: column(Int32Array.from(spans, (one) => services.get(one.service) ?? 0)),
    names: [...names.keys()],
    name: column(Int32Array.from(spans, (one) => names.get(one.name) ?? 0)),
    kind: column(Uint8Array.from(spans, (one) => KINDS.indexOf(one.kind))),
    status: column(Uint8Array.from(spans, (one) => STATUSES.indexOf(one.status.code))),
    start: column(Float64Array.from(starts, (at) => Number(at - first))),
    duration: column(
      Float64Array.from(spans, (one) => Number(BigInt(one.endTimeUnixNano) - BigInt(one.startTimeUnixNano))),
    ),
    linksOut: counts((one) => one.links.length),
    linksIn: counts((one) => one.backlinkCount),
    events: spans.flatMap((one, i) => one.events.flatMap((event) => [i, Number(BigInt(event.timeUnixNano) - first)])),
  }
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUSES = ['unset', 'ok', 'error']

function distinct(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...new Set(texts)].map((text, i) => [text, i]))
}

function column(values: Int32Array | Uint8Array | Float64Array): string {
  return Buffer.from(values.buffer).toString('base64')
}

/**
 * A hundred thousand spans of eleven services, in groups of fifty, as a long batch job makes them.
 */
export function longTrace(count = 100_000): TraceSkeleton {
  const spans: Span[] = [span(1, { for: count })]
  for (let id = 2; id <= count; id += 1) {
    const group = id - ((id - 2) % 50)
    spans.push(
      span(id, { parent: id === group ? 1 : group, at: id, for: 5 + (id % 400), service: `service-${id % 11}` }),
    )
  }
  return response(spans)
}

const START = 1_760_000_000_000_000_000n

function nano(millis: number): string {
  return String(START + BigInt(Math.round(millis * 1e6)))
}
