/**
 * OTLP traces in their JSON form (OTLP specification, "JSON Protobuf Encoding"): ids in hex, 64-bit
 * numbers as decimal strings, bytes in base64, enums as numbers. `JSON.stringify(request)` is an
 * `application/json` body; `encodeTraces(request)` encodes it as protobuf.
 */
export interface TracesRequest {
  readonly resourceSpans?: readonly ResourceSpans[]
}

export interface ResourceSpans {
  readonly resource?: OtlpResource
  readonly scopeSpans?: readonly ScopeSpans[]
  readonly schemaUrl?: string
}

export interface OtlpResource {
  readonly attributes?: readonly OtlpKeyValue[]
  readonly droppedAttributesCount?: number
  readonly entityRefs?: readonly OtlpEntityRef[]
}

export interface OtlpEntityRef {
  readonly schemaUrl?: string
  readonly type?: string
  readonly idKeys?: readonly string[]
  readonly descriptionKeys?: readonly string[]
}

export interface ScopeSpans {
  readonly scope?: OtlpScope
  readonly spans?: readonly OtlpSpan[]
  readonly schemaUrl?: string
}

export interface OtlpScope {
  readonly name?: string
  readonly version?: string
  readonly attributes?: readonly OtlpKeyValue[]
  readonly droppedAttributesCount?: number
}

export interface OtlpSpan {
  /** 32 hex digits; other lengths are sent unchanged, to test rejection. */
  readonly traceId?: string
  readonly spanId?: string
  readonly traceState?: string
  readonly parentSpanId?: string
  readonly name?: string
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind?: number
  readonly startTimeUnixNano?: string
  readonly endTimeUnixNano?: string
  readonly attributes?: readonly OtlpKeyValue[]
  readonly droppedAttributesCount?: number
  readonly events?: readonly OtlpEvent[]
  readonly droppedEventsCount?: number
  readonly links?: readonly OtlpLink[]
  readonly droppedLinksCount?: number
  /** `code`: 0 unset, 1 ok, 2 error. */
  readonly status?: { readonly message?: string; readonly code?: number }
  readonly flags?: number
}

export interface OtlpEvent {
  readonly timeUnixNano?: string
  readonly name?: string
  readonly attributes?: readonly OtlpKeyValue[]
  readonly droppedAttributesCount?: number
}

export interface OtlpLink {
  readonly traceId?: string
  readonly spanId?: string
  readonly traceState?: string
  readonly attributes?: readonly OtlpKeyValue[]
  readonly droppedAttributesCount?: number
  readonly flags?: number
}

export interface OtlpKeyValue {
  readonly key: string
  readonly value: OtlpAnyValue
}

/** At most one member is set; none is the empty value. */
export interface OtlpAnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number | string
  readonly arrayValue?: { readonly values?: readonly OtlpAnyValue[] }
  readonly kvlistValue?: { readonly values?: readonly OtlpKeyValue[] }
  readonly bytesValue?: string
}
