import { isSameOrUnknown } from '../../records/record-metadata.ts'
import type { RecordIdentity } from './delivery.ts'

export type RecordGroup<One> = {
  readonly record: RecordIdentity
  /** Of this record. */
  readonly certain: readonly One[]
  /** Of this record or of another in the list. */
  readonly possible: readonly One[]
}

/**
 * Splits the consumptions of one context into its records. One context may reach several topics or
 * clusters (mirrors, copied headers) and several positions (bulk sends). A consumption that names
 * less may be of each record that it agrees with; with only one of these, it is certain.
 */
export function groupByRecord<One>(all: readonly One[], toRecord: (one: One) => RecordIdentity): RecordGroup<One>[] {
  const identities = Map.groupBy(all, (one) => toIdentityKey(toRecord(one)))
  const sorted = [...identities.values()]
    .flatMap((same) => (same[0] === undefined ? [] : [{ same, record: toRecord(same[0]) }]))
    .toSorted((a, b) => countKnown(b.record) - countKnown(a.record))
  const groups: OpenGroup<One>[] = []
  const groupsByOffset = new Map<string, OpenGroup<One>[]>()
  for (const { same, record } of sorted) {
    const offsetKey = toOffsetKey(record)
    const candidates = offsetKey === '' ? groups : (groupsByOffset.get(offsetKey) ?? [])
    const compatible = candidates.filter((group) => mayShareTopic(group.record, record))
    const [only] = compatible
    if (only === undefined) {
      const group = { record, certain: [...same], possible: [] }
      groups.push(group)
      if (offsetKey !== '') groupsByOffset.set(offsetKey, [...candidates, group])
    } else if (compatible.length === 1) {
      for (const one of same) only.certain.push(one)
      only.record = {
        ...only.record,
        cluster: only.record.cluster || record.cluster,
        topic: only.record.topic || record.topic,
      }
    } else for (const group of compatible) group.possible.push(...same)
  }
  return groups
}

type OpenGroup<One> = { record: RecordIdentity; readonly certain: One[]; readonly possible: One[] }

/** Whether two spans or links may be about records of the same topic and cluster. */
export function mayShareTopic(
  a: Pick<RecordIdentity, 'cluster' | 'topic'>,
  b: Pick<RecordIdentity, 'cluster' | 'topic'>,
): boolean {
  return isSameOrUnknown(a.cluster, b.cluster) && isSameOrUnknown(a.topic, b.topic)
}

function toIdentityKey(record: RecordIdentity): string {
  return JSON.stringify([record.cluster, record.topic, toOffsetKey(record)])
}

/** A partition without an offset does not identify a record. */
function toOffsetKey({ partition, offset }: RecordIdentity): string {
  return offset === '' ? '' : `${partition} ${offset}`
}

/** Positions first. */
function countKnown({ cluster, topic, offset }: RecordIdentity): number {
  return [offset, offset, offset, cluster, topic].filter((value) => value !== '').length
}
