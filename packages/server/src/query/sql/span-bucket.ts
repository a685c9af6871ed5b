/** Width of a bucket of `spans`: spans of two minutes are sorted by service and name. */
export const BUCKET_NANO = 120_000_000_000n

/** SQL: the bucket of a time, Unix nanoseconds. Same expression as in schema/spans.sql. */
export function bucketOf(sql: string): string {
  return `intDiv(${sql}, ${BUCKET_NANO})`
}

/**
 * SQL: a span's bucket, the first column of the sort key of `spans`. A condition on it prevents a
 * full table scan.
 */
export const bucket = bucketOf('start')

/**
 * SQL: settings of a query by id that reads a few granules. A second thread costs more than it
 * saves, and the older analyzer takes 2 to 3 ms of CPU less for twenty columns.
 */
export const FEW_GRANULES_SETTINGS = 'settings max_threads = 1, enable_analyzer = 0'
