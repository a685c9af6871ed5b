/**
 * Limits of one request. Spans, log records or points beyond them are rejected one by one with
 * partial success; the rest of the request is stored. Each limit also bounds the memory of an
 * insert.
 */

/** Maximum spans, log records or points; the Collector sends 8,192 at once. */
export const MAX_ITEMS = 250_000

/**
 * Maximum size of one span, log record or point, as protobuf or as JSON: a generous
 * `max.message.bytes` of a Kafka topic.
 */
export const MAX_ITEM_BYTES = 8 * 1024 * 1024

/** Maximum links, and events, of a span; SDKs stop at 128. */
export const MAX_LINKS = 16_384
export const MAX_EVENTS = 16_384

/** Maximum attributes of one span, event, link, resource or scope; SDKs stop at 128. */
export const MAX_ATTRIBUTES = 65_536

/**
 * Maximum elements of arrays and maps in the attributes of an item: each is an object while it is
 * decoded.
 */
export const MAX_NESTED_VALUES = 65_536

/** Maximum buckets, bounds or quantiles of a metric point. */
export const MAX_BUCKETS = 65_536

/** Maximum exemplars of a metric point. */
export const MAX_EXEMPLARS = 4096

/**
 * Maximum distinct pairs of resource and scope in a request: each becomes a row, usually one per
 * service. The Collector sends 8,192 items at once.
 */
export const MAX_SOURCES = 16_384

/** Maximum size of a resource with its scope. */
export const MAX_SOURCE_BYTES = 256 * 1024

/** Maximum size of all resources and scopes of a request. A resource counts once for each scope. */
export const MAX_SOURCES_BYTES = 256 * 1024 * 1024

/** Maximum size of a metric without its points: each series repeats it. */
export const MAX_METRIC_BYTES = 1024 * 1024

/** Maximum size of the backlinks of one span: each repeats the span's name and service. */
export const MAX_BACKLINK_BYTES = 16 * 1024 * 1024

/** Maximum size of the rows of one table in a request. */
export const MAX_TABLE_BYTES = 128 * 1024 * 1024
