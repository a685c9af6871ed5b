/** Spans as the evaluator sees them: plain objects, straight from OTLP's model. */
export type TestValue = string | bigint | number | boolean | readonly (string | bigint | number | boolean)[]
export type TestAttributes = Readonly<Record<string, TestValue>>

export type TestSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly status: 'unset' | 'ok' | 'error'
  readonly statusMessage: string
  readonly start: bigint
  readonly duration: bigint
  readonly attributes: TestAttributes
  readonly resource: TestAttributes
  readonly scope: { readonly name: string; readonly version: string; readonly attributes: TestAttributes }
  readonly events: readonly { readonly time: bigint; readonly name: string; readonly attributes: TestAttributes }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: TestAttributes }[]
}
