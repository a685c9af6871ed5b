/**
 * SQL expression of a span's ten-minute bucket, the first column of the sort key of `spans`. A
 * condition on it prevents a full table scan. Same expression as in schema/spans.sql.
 */
export const bucket = 'intDiv(start, 600000000000)'

/**
 * SQL: settings of a query by id that reads a few granules. A second thread costs more than it
 * saves, and the older analyzer takes 2 to 3 ms of CPU less for twenty columns.
 */
export const FEW_GRANULES_SETTINGS = 'settings max_threads = 1, enable_analyzer = 0'
