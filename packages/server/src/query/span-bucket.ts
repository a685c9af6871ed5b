/**
 * SQL of a span's ten-minute bucket, with which the sort key of `spans` starts: a condition on it is what keeps a question
 * from reading the whole table. Same expression as in store/sql/spans.sql.
 */
export const bucket = 'intDiv(start, 600000000000)'

/** SQL: the span lies in the buckets of the traces whose ids the subquery gives. */
export function inBucketsOf(traceIds: string): string {
  // One tuple, so that the engine runs the subquery once; it does so before it chooses what to read.
  const bounds = `(select (intDiv(min(start), 600000000000), intDiv(max(last_start), 600000000000))
    from traces where trace_id in (${traceIds}))`
  return `${bucket} between tupleElement(${bounds}, 1) and tupleElement(${bounds}, 2)`
}

/** SQL: the ids of a parameter `{name:Array(String)}` of hex digits, as a set. */
export function traceIdsOf(name: string): string {
  return `select toFixedString(unhex(arrayJoin({${name}:Array(String)})), 16)`
}
