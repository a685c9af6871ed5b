import { Type } from 'typebox'

/**
 * OTLP's AnyValue in its JSON form (opentelemetry-proto common.proto; JSON mapping in the OTLP
 * specification): exactly one member is set, or none for an empty value. `intValue` is a decimal
 * string, `bytesValue` base64.
 */
export type AnyValue = {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  /** A number, or `"NaN"`, `"Infinity"`, `"-Infinity"`. */
  readonly doubleValue?: number | string
  readonly bytesValue?: string
  readonly arrayValue?: { readonly values?: readonly AnyValue[] }
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] }
}

export type KeyValue = { readonly key: string; readonly value: AnyValue }

export const AnyValue = Type.Unsafe<AnyValue>(Type.Object({}, { additionalProperties: true }))

export const KeyValue = Type.Unsafe<KeyValue>(Type.Object({ key: Type.String(), value: AnyValue }))

export const Attributes = Type.Array(KeyValue)
