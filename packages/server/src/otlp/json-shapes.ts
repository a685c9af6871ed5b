import {
  message,
  one,
  many,
  each,
  string,
  hex,
  base64,
  bool,
  double,
  int64,
  fixed64,
  uint32,
  fixed32,
  enumeration,
  type MessageShape,
} from './json-fields.ts'

const ANY_VALUE: MessageShape = message(() => ({
  stringValue: string(0x0a),
  boolValue: bool(0x10),
  intValue: int64(0x18),
  doubleValue: double(0x21),
  arrayValue: one(0x2a, ARRAY_VALUE),
  kvlistValue: one(0x32, KEY_VALUE_LIST),
  bytesValue: base64(0x3a),
}))

export const KEY_VALUE = message(() => ({ key: string(0x0a), value: one(0x12, ANY_VALUE) }))
const ARRAY_VALUE: MessageShape = message(() => ({ values: many(0x0a, ANY_VALUE) }))
const KEY_VALUE_LIST: MessageShape = message(() => ({ values: many(0x0a, KEY_VALUE) }))

const STATUS = message(() => ({
  message: string(0x12),
  code: enumeration(0x18, ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']),
}))

const EVENT = message(() => ({
  timeUnixNano: fixed64(0x09),
  name: string(0x12),
  attributes: many(0x1a, KEY_VALUE),
  droppedAttributesCount: uint32(0x20),
}))

const LINK = message(() => ({
  traceId: hex(0x0a),
  spanId: hex(0x12),
  traceState: string(0x1a),
  attributes: many(0x22, KEY_VALUE),
  droppedAttributesCount: uint32(0x28),
  flags: fixed32(0x35),
}))

const SPAN = message(() => ({
  traceId: hex(0x0a),
  spanId: hex(0x12),
  traceState: string(0x1a),
  parentSpanId: hex(0x22),
  name: string(0x2a),
  kind: enumeration(0x30, [
    'SPAN_KIND_UNSPECIFIED',
    'SPAN_KIND_INTERNAL',
    'SPAN_KIND_SERVER',
    'SPAN_KIND_CLIENT',
    'SPAN_KIND_PRODUCER',
    'SPAN_KIND_CONSUMER',
  ]),
  startTimeUnixNano: fixed64(0x39),
  endTimeUnixNano: fixed64(0x41),
  attributes: many(0x4a, KEY_VALUE),
  droppedAttributesCount: uint32(0x50),
  events: many(0x5a, EVENT),
  droppedEventsCount: uint32(0x60),
  links: many(0x6a, LINK),
  droppedLinksCount: uint32(0x70),
  status: one(0x7a, STATUS),
  flags: fixed32(0x85),
}))

const SCOPE = message(() => ({
  name: string(0x0a),
  version: string(0x12),
  attributes: many(0x1a, KEY_VALUE),
  droppedAttributesCount: uint32(0x20),
}))

const ENTITY_REF = message(() => ({
  schemaUrl: string(0x0a),
  type: string(0x12),
  idKeys: each(string(0x1a)),
  descriptionKeys: each(string(0x22)),
}))

const RESOURCE = message(() => ({
  attributes: many(0x0a, KEY_VALUE),
  droppedAttributesCount: uint32(0x10),
  entityRefs: many(0x1a, ENTITY_REF),
}))

export const EXPORT_TRACE_SERVICE_REQUEST = request('resourceSpans', 'scopeSpans', 'spans', SPAN)

const LOG_RECORD = message(() => ({
  timeUnixNano: fixed64(0x09),
  severityNumber: enumeration(0x10, SEVERITY_NUMBERS),
  severityText: string(0x1a),
  body: one(0x2a, ANY_VALUE),
  attributes: many(0x32, KEY_VALUE),
  droppedAttributesCount: uint32(0x38),
  flags: fixed32(0x45),
  traceId: hex(0x4a),
  spanId: hex(0x52),
  observedTimeUnixNano: fixed64(0x59),
  eventName: string(0x62),
}))

/** SEVERITY_NUMBER_TRACE, SEVERITY_NUMBER_TRACE2 to SEVERITY_NUMBER_FATAL4. */
const SEVERITY_NUMBERS = [
  'SEVERITY_NUMBER_UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((word) =>
    ['', '2', '3', '4'].map((step) => `SEVERITY_NUMBER_${word}${step}`),
  ),
]

export const EXPORT_LOGS_SERVICE_REQUEST = request('resourceLogs', 'scopeLogs', 'logRecords', LOG_RECORD)

/** The envelope that the three signals share, see envelope.ts. */
export function request(resources: string, scopes: string, items: string, item: MessageShape): MessageShape {
  const scoped = message(() => ({
    scope: one(0x0a, SCOPE),
    [items]: many(0x12, item),
    schemaUrl: string(0x1a),
  }))
  const resourced = message(() => ({
    resource: one(0x0a, RESOURCE),
    [scopes]: many(0x12, scoped),
    schemaUrl: string(0x1a),
  }))
  return message(() => ({ [resources]: many(0x0a, resourced) }))
}
