/*
 * Tempo's JSON of a trace is OTLP with ids in base64 (protobuf's JSON mapping of bytes; OTLP has
 * hex). Its first API names the list `batches`, its second wraps it in `trace`.
 */

type Json = Readonly<Record<string, unknown>>

/** @returns undefined when the value is neither Tempo's nor OTLP's JSON of spans */
export function convertTempoToOtlp(value: unknown): { readonly resourceSpans: readonly unknown[] } | undefined {
  const trace = isObject(value) && isObject(value['trace']) ? value['trace'] : value
  if (!isObject(trace)) return undefined
  const batches = trace['batches'] ?? trace['resourceSpans']
  return Array.isArray(batches) ? { resourceSpans: batches.map(resourceSpans) } : undefined
}

/** Whether the first trace id in a line of JSON is Tempo's. */
export function hasBase64Ids(line: string): boolean {
  const id = /"traceId"\s*:\s*"([^"]*)"/.exec(line)?.[1]
  return id !== undefined && id !== '' && !/^[0-9a-fA-F]{32}$/.test(id)
}

function resourceSpans(batch: unknown): unknown {
  if (!isObject(batch)) return batch
  const scopes = batch['scopeSpans'] ?? batch['instrumentationLibrarySpans']
  return { ...batch, scopeSpans: mapList(scopes, (scope) => ({ ...scope, spans: mapList(scope['spans'], span) })) }
}

function span(span: Json): Json {
  return { ...withHexIds(span), links: mapList(span['links'], withHexIds) }
}

function withHexIds(item: Json): Json {
  const ids = Object.entries(ID_LENGTHS).filter(([name]) => typeof item[name] === 'string' && item[name] !== '')
  return { ...item, ...Object.fromEntries(ids.map(([name, length]) => [name, toHexId(item[name] as string, length)])) }
}

const ID_LENGTHS = { traceId: 32, spanId: 16, parentSpanId: 16 }

/** Keeps ids that are hex already, or neither: the receiver validates them. */
function toHexId(id: string, length: number): string {
  if (id.length === length && /^[0-9a-fA-F]+$/.test(id)) return id
  const hex = Buffer.from(id, 'base64').toString('hex')
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(id) && hex.length <= length
  return isBase64 ? hex.padStart(length, '0') : id
}

function mapList(items: unknown, convert: (item: Json) => Json): unknown {
  return Array.isArray(items) ? items.map((item: unknown) => (isObject(item) ? convert(item) : item)) : items
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
