/** SQL: fields of rows of type `span`. Offsets are in schema/trace_rows.sql, here from 1. */
export const spanHead = {
  parent: 'substring(head, 1, 8)',
  start: 'reinterpretAsUInt64(substring(head, 9, 8))',
  duration: 'reinterpretAsInt64(substring(head, 17, 8))',
  linkCount: 'reinterpretAsUInt32(substring(head, -4))',
} as const

/** SQL: fields of shapes of either type, as numbers of the enums. */
export const spanShape = { kind: 'reinterpretAsUInt8(substring(shape, 2, 1))' } as const

/** SQL: fields of rows of type `backlink`. */
export const backlinkHead = {
  linkingTraceId: 'substring(head, 1, 16)',
  /** Trace id and span id. */
  linkingSpan: 'substring(head, 1, 24)',
  start: 'reinterpretAsUInt64(substring(head, 25, 8))',
  ordinal: 'reinterpretAsUInt32(substring(head, 41, 4))',
} as const

/** SQL: kind, status and service, in both types, as a prefix of the shape. */
export const shapePrefix = `if(reinterpretAsUInt8(substring(shape, 4, 1)) < 128,
  substring(shape, 1, 4 + reinterpretAsUInt8(substring(shape, 4, 1))), shape)`

const [one, two, three] = [4, 5, 6].map((at) => `reinterpretAsUInt8(substring(shape, ${at}, 1))`)

/** SQL: the service in the shape, after its length in at most three bytes, in both types. */
export const shapeService = `multiIf(${one} < 128, substring(shape, 5, ${one}),
  ${two} < 128, substring(shape, 6, ${two} * 128 + ${one} - 128),
  substring(shape, 7, ${three} * 16384 + (${two} - 128) * 128 + ${one} - 128))`

/** SQL: a hash of kind and service, in both types. They separate spans that share an id. */
export const identityHash = `CRC32(concat(substring(shape, 2, 1), ${shapeService}))`
