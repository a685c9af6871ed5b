/**
 * SQL expression of a span's ten-minute bucket, the first column of the sort key of `spans`. A
 * condition on it prevents a full table scan. Same expression as in schema/spans.sql.
 */
export const bucket = 'intDiv(start, 600000000000)'

/**
 * Buckets read on either side of a trace: one week. A trace that is longer than two weeks, or has
 * wrong clocks, is read at both ends; its middle would be an unbounded list of buckets.
 */
const MAX_BUCKETS = 1008

/**
 * SQL: the row of `spans` belongs to a trace whose id the subquery returns. Matches bucket and id
 * together, so that only each trace's granules are read, not those for its id in every bucket
 * between the oldest trace and the newest.
 */
export function filterByTraces(traceIds: string): string {
  return `(${bucket}, trace_id) in (
    select arrayJoin(arrayConcat(range(b, least(e, b + ${MAX_BUCKETS}) + 1), range(greatest(b + ${MAX_BUCKETS} + 1, e - least(e, ${MAX_BUCKETS})), e + 1))), trace_id
    from (
      select trace_id, intDiv(min(start), 600000000000) as b, intDiv(max(last_start), 600000000000) as e
      from traces where trace_id in (${traceIds}) group by trace_id))`
}

/** SQL: the ids of a parameter `{name:Array(String)}` of hex digits, as a set. */
export function selectTraceIds(name: string): string {
  return `select toFixedString(unhex(arrayJoin({${name}:Array(String)})), 16)`
}

/**
 * SQL: settings of a query by id that reads a few granules. A second thread costs more than it
 * saves, and the older analyzer takes 2 to 3 ms of CPU less for twenty columns.
 */
export const FEW_GRANULES_SETTINGS = 'settings max_threads = 1, enable_analyzer = 0'
