/**
 * Limits of one request. Whatever is beyond them is rejected span by span, log record by log record
 * or point by point, with partial success; the rest of the request is stored. Each bounds the
 * memory of an insert, not only the request's.
 */

/** Spans, log records or points; the Collector sends 8,192 at once. */
export const MAX_ITEMS = 250_000

/**
 * Of one span, log record or point, as protobuf or as JSON: `max.message.bytes` of a generous Kafka
 * topic.
 */
export const MAX_ITEM_BYTES = 8 * 1024 * 1024

/** Of a span; SDKs stop at 128. */
export const MAX_LINKS = 16_384
export const MAX_EVENTS = 16_384

/** Of one span, event, link, resource or scope; SDKs stop at 128. */
export const MAX_ATTRIBUTES = 65_536

/** Elements of arrays and maps in the attributes of an item: each is an object while it is read. */
export const MAX_NESTED_VALUES = 65_536

/** Buckets, bounds or quantiles of a metric point. */
export const MAX_BUCKETS = 65_536

/** Of a metric point. */
export const MAX_EXEMPLARS = 4096

/**
 * Distinct resources with a scope of a request: each is a row, mostly of a service. The Collector
 * sends 8,192 items at once.
 */
export const MAX_SOURCES = 16_384

/** Of a resource and a scope. */
export const MAX_SOURCE_BYTES = 256 * 1024

/**
 * Of all resources and scopes of a request, where a resource counts once for each of its scopes.
 */
export const MAX_SOURCES_BYTES = 256 * 1024 * 1024

/** Of a metric without its points: each series repeats it. */
export const MAX_METRIC_BYTES = 1024 * 1024

/** Of the rows that the links of one span become: each repeats the span's name and service. */
export const MAX_LINK_ROWS_BYTES = 16 * 1024 * 1024

/** Of the rows that a request becomes in one table. */
export const MAX_TABLE_BYTES = 128 * 1024 * 1024
