import { isProducing } from '../messages/messaging-spans/messaging-span.ts'
import { listSharers, listSpans, type SampledSpan, type TraceSample } from './sample/sampled-span.ts'
import type { Traffic } from './traffic.ts'

/** Producing spans of a service that only enclose another. */
export type NestedSends = Pick<Traffic, 'cluster' | 'topic'> & {
  readonly service: string
  readonly operation: string
  /** Scaled-up estimates if `sampled`. */
  readonly count: number
  readonly errorCount: number
  readonly sampled: boolean
}

/**
 * Finds producing spans that only enclose another, as Spring's observation around the Java agent's
 * span: `isSameSend` in SQL. The rollup has no parents and counts both.
 */
export function findNestedSends({ traces, oneIn }: TraceSample): NestedSends[] {
  const outer: SampledSpan[] = []
  for (const inner of listSpans(traces)) {
    if (!isSend(inner) || inner.status === 'error') continue
    const parents = listSharers(traces, { traceId: inner.traceId, spanId: inner.parentSpanId })
    outer.push(...parents.filter((parent) => isSend(parent) && parent.topic === inner.topic))
  }
  const groups = Map.groupBy(new Set(outer), ({ service, operation, cluster, topic }) =>
    JSON.stringify([service, operation, cluster, topic]),
  )
  return [...groups.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const { service, operation, cluster, topic } = first
    const failed = same.filter(({ status }) => status === 'error')
    const counts = { count: same.length * oneIn, errorCount: failed.length * oneIn, sampled: oneIn > 1 }
    return { service, operation, cluster, topic, ...counts }
  })
}

function isSend(span: SampledSpan): boolean {
  return span.kind === 'producer' && isProducing(span) && span.topic !== ''
}

/**
 * Subtracts the messages of nested sends, as many as other spans of the row have on average.
 * Without a cluster, they are of the only one that the rows name.
 */
export function subtractNestedSends(traffic: readonly Traffic[], nested: readonly NestedSends[]): readonly Traffic[] {
  if (nested.length === 0) return traffic
  const toKey = ({ service, operation, topic }: Pick<Traffic, 'service' | 'topic'> & { operation: string }): string =>
    JSON.stringify([service ?? null, operation, topic])
  const rowsOf = Map.groupBy(traffic, toKey)
  const result = new Map(traffic.map((row) => [row, row]))
  for (const sends of nested) {
    const rows = rowsOf.get(toKey(sends)) ?? []
    const row = rows.length === 1 ? rows[0] : rows.find(({ cluster }) => cluster === sends.cluster)
    if (row === undefined) continue
    const known = result.get(row) ?? row
    const perSpan = row.numbers.count / row.spans
    const count = Math.max(1, Math.round(known.numbers.count - sends.count * perSpan))
    const errorCount = Math.max(0, Math.round(known.numbers.errorCount - sends.errorCount * perSpan))
    result.set(row, {
      ...known,
      numbers: { ...known.numbers, count, errorCount },
      sampled: known.sampled || sends.sampled,
    })
  }
  return [...result.values()]
}
