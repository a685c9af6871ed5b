import { MAX_ATTRIBUTES, MAX_EVENTS, MAX_LINKS, MAX_NESTED_VALUES } from '../limits.ts'
import {
  base64,
  bool,
  double,
  each,
  enumeration,
  fixed32,
  fixed64,
  hex,
  many,
  one,
  optionalHex,
  string,
  uint32,
  varint,
} from './fields.ts'
import { type Message, message } from './message.ts'

/**
 * The OTLP messages by the names and tags of the proto files. Each decoder in `..` documents its
 * tags.
 */
const ANY_VALUE: Message = message(() => ({
  stringValue: string(0x0a),
  boolValue: bool(0x10),
  intValue: varint(0x18, true),
  doubleValue: double(0x21),
  arrayValue: one(0x2a, ARRAY_VALUE),
  kvlistValue: one(0x32, KEY_VALUE_LIST),
  bytesValue: base64(0x3a),
}))

const KEY_VALUE = message(() => ({ key: string(0x0a), value: one(0x12, ANY_VALUE) }))
const ARRAY_VALUE: Message = message(() => ({ values: many(0x0a, ANY_VALUE, MAX_NESTED_VALUES) }))
const KEY_VALUE_LIST: Message = message(() => ({ values: many(0x0a, KEY_VALUE, MAX_NESTED_VALUES) }))

export function attributes(tag: number) {
  return many(tag, KEY_VALUE, MAX_ATTRIBUTES)
}

const STATUS = message(() => ({
  message: string(0x12),
  code: enumeration(0x18, ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']),
}))

const EVENT = message(() => ({
  timeUnixNano: fixed64(0x09),
  name: string(0x12),
  attributes: attributes(0x1a),
  droppedAttributesCount: uint32(0x20),
}))

const LINK = message(() => ({
  traceId: hex(0x0a),
  spanId: hex(0x12),
  traceState: string(0x1a),
  attributes: attributes(0x22),
  droppedAttributesCount: uint32(0x28),
  flags: fixed32(0x35),
}))

export const SPAN = message(() => ({
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
  attributes: attributes(0x4a),
  droppedAttributesCount: uint32(0x50),
  events: many(0x5a, EVENT, MAX_EVENTS),
  droppedEventsCount: uint32(0x60),
  links: many(0x6a, LINK, MAX_LINKS),
  droppedLinksCount: uint32(0x70),
  status: one(0x7a, STATUS),
  flags: fixed32(0x85),
}))

export const SCOPE = message(() => ({
  name: string(0x0a),
  version: string(0x12),
  attributes: attributes(0x1a),
  droppedAttributesCount: uint32(0x20),
}))

const ENTITY_REF = message(() => ({
  schemaUrl: string(0x0a),
  type: string(0x12),
  idKeys: each(string(0x1a), MAX_ATTRIBUTES),
  descriptionKeys: each(string(0x22), MAX_ATTRIBUTES),
}))

export const RESOURCE = message(() => ({
  attributes: attributes(0x0a),
  droppedAttributesCount: uint32(0x10),
  entityRefs: many(0x1a, ENTITY_REF, MAX_ATTRIBUTES),
}))

/** SEVERITY_NUMBER_TRACE, SEVERITY_NUMBER_TRACE2 to SEVERITY_NUMBER_FATAL4. */
const SEVERITY_NUMBERS = [
  'SEVERITY_NUMBER_UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((word) =>
    ['', '2', '3', '4'].map((step) => `SEVERITY_NUMBER_${word}${step}`),
  ),
]

export const LOG_RECORD = message(() => ({
  timeUnixNano: fixed64(0x09),
  severityNumber: enumeration(0x10, SEVERITY_NUMBERS),
  severityText: string(0x1a),
  body: one(0x2a, ANY_VALUE),
  attributes: attributes(0x32),
  droppedAttributesCount: uint32(0x38),
  flags: fixed32(0x45),
  traceId: optionalHex(0x4a),
  spanId: optionalHex(0x52),
  observedTimeUnixNano: fixed64(0x59),
  eventName: string(0x62),
}))
