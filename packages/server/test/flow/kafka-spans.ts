import { kv, type OtlpLink, type OtlpSpan, type PlainValue, randomSpanId, randomTraceId } from '@spanlink/testkit/otlp'

export const MS = 1_000_000n
export const T0 = BigInt(Date.UTC(2026, 10, 20, 9)) * MS

export type TestSpan = OtlpSpan & { readonly traceId: string; readonly spanId: string }

export type Parts = Omit<Partial<OtlpSpan>, 'attributes' | 'links'> & {
  /** Milliseconds after T0. */
  readonly at: number
  /** Milliseconds. @default 10 */
  readonly for?: number
  /** Trace and parent. */
  readonly in?: TestSpan
  readonly links?: readonly OtlpLink[]
  readonly attributes?: Readonly<Record<string, PlainValue>>
}

/** A span in a new trace, or in its parent's. */
export function span({ at, for: length = 10, in: parent, attributes = {}, ...rest }: Parts): TestSpan {
  const start = T0 + BigInt(at) * MS
  return {
    traceId: parent?.traceId ?? randomTraceId(),
    spanId: randomSpanId(),
    ...(parent && { parentSpanId: parent.spanId }),
    name: 'work',
    kind: 1,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(length) * MS),
    attributes: Object.entries(attributes).map(([key, value]) => kv(key, value)),
    flags: parent ? 0x101 : 0x100,
    ...rest,
  }
}

export function send(topic: string, parts: Parts): TestSpan {
  return span({
    name: `send ${topic}`,
    kind: 4,
    ...parts,
    attributes: {
      'messaging.system.name': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      ...parts.attributes,
    },
  })
}

/** A consumer of `produced`, which links to it, or is its child, or both. */
export function processing(
  topic: string,
  produced: TestSpan | undefined,
  group: string,
  mode: 'link' | 'parent' | 'both',
  parts: Parts,
): TestSpan {
  const child = mode !== 'link' && produced !== undefined
  return span({
    name: `process ${topic}`,
    kind: 5,
    ...(child && { in: produced, flags: 0x301 }),
    ...(mode !== 'parent' && produced !== undefined && { links: [linkTo(produced)] }),
    ...parts,
    attributes: {
      'messaging.system.name': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': group,
      'kafka.offset': 7,
      ...parts.attributes,
    },
  })
}

/** A receive span of a poll without group, linked to the message that it returned. */
export function polling(topic: string, produced: TestSpan, parts: Parts): TestSpan {
  return span({
    name: `poll ${topic}`,
    kind: 3,
    links: [linkTo(produced)],
    ...parts,
    attributes: { 'messaging.system': 'kafka', 'messaging.operation.type': 'receive', ...parts.attributes },
  })
}

export function linkTo(target: TestSpan, attributes: Readonly<Record<string, PlainValue>> = {}): OtlpLink {
  return {
    traceId: target.traceId,
    spanId: target.spanId,
    attributes: Object.entries(attributes).map(([key, value]) => kv(key, value)),
    flags: 0x301,
  }
}

/**
 * As @spanlink/kafka traces `eachBatch`: a receive span, below it the span of the batch, and in
 * that one span for each message with `processMessage`, all with links to the producers. Each
 * message takes 10 ms.
 */
export function batchOf(topic: string, produced: readonly TestSpan[], group: string, at: number): TestSpan[] {
  const inPartition = { 'messaging.destination.partition.id': '0' }
  const links = produced.map((sent, offset) => linkTo(sent, { ...inPartition, 'kafka.offset': offset }))
  const attributes = { 'messaging.batch.message_count': produced.length, 'kafka.offset': -1, ...inPartition }
  const poll = processing(topic, undefined, group, 'link', {
    name: `poll ${topic}`,
    kind: 3,
    at,
    for: 1,
    links,
    attributes: { ...attributes, 'messaging.operation.type': 'receive' },
  })
  const batch = processing(topic, undefined, group, 'link', {
    at: at + 1,
    for: 10 * produced.length,
    in: poll,
    links,
    attributes,
  })
  const each = produced.map((sent, offset) =>
    processing(topic, sent, group, 'link', {
      at: at + 1 + 10 * offset,
      in: batch,
      attributes: { ...inPartition, 'kafka.offset': offset },
    }),
  )
  return [poll, batch, ...each]
}

/**
 * A consumer with the span id and the parent of what it consumes, as tracers of Zipkin's model may
 * have it.
 */
export function sharing(produced: TestSpan, consumer: TestSpan): TestSpan {
  const { traceId, spanId, parentSpanId } = produced
  return { ...consumer, traceId, spanId, parentSpanId: parentSpanId ?? '' }
}
