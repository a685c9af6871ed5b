/*
 * Tempo's JSON of a trace: OTLP with ids in base64 (protobuf's JSON mapping of bytes, which OTLP
 * overrules with hex), the list called `batches` by its first API, and wrapped in `trace` by its
 * second.
 */

type Json = Readonly<Record<string, unknown>>

/** The trace as OTLP/JSON; undefined when the value is neither Tempo's nor OTLP's JSON of spans. */
export function otlpOfTempo(value: unknown): { readonly resourceSpans: readonly unknown[] } | undefined {
  const trace = isObject(value) && isObject(value['trace']) ? value['trace'] : value
  if (!isObject(trace)) return undefined
  const batches = trace['batches'] ?? trace['resourceSpans']
  return Array.isArray(batches) ? { resourceSpans: batches.map(resourceSpans) } : undefined
}

/** Whether a line of JSON has Tempo's ids, by the first one. */
export function hasBase64Ids(line: string): boolean {
  const id = /"traceId"\s*:\s*"([^"]*)"/.exec(line)?.[1]
  return id !== undefined && id !== '' && !/^[0-9a-fA-F]{32}$/.test(id)
}

function resourceSpans(batch: unknown): unknown {
  if (!isObject(batch)) return batch
  const scopes = batch['scopeSpans'] ?? batch['instrumentationLibrarySpans']
  return { ...batch, scopeSpans: list(scopes, (scope) => ({ ...scope, spans: list(scope['spans'], span) })) }
}

function span(span: Json): Json {
  return { ...withHexIds(span), links: list(span['links'], withHexIds) }
}

function withHexIds(item: Json): Json {
  const ids = Object.entries(idLengths).filter(([name]) => typeof item[name] === 'string' && item[name] !== '')
  return { ...item, ...Object.fromEntries(ids.map(([name, length]) => [name, hexId(item[name] as string, length)])) }
}

const idLengths = { traceId: 32, spanId: 16, parentSpanId: 16 }

/** Ids that are hex already, or neither, are left for the receiver to judge. */
function hexId(id: string, length: number): string {
  if (id.length === length && /^[0-9a-fA-F]+$/.test(id)) return id
  const hex = Buffer.from(id, 'base64').toString('hex')
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(id) && hex.length <= length
  return isBase64 ? hex.padStart(length, '0') : id
}

function list(items: unknown, convert: (item: Json) => Json): unknown {
  return Array.isArray(items) ? items.map((item: unknown) => (isObject(item) ? convert(item) : item)) : items
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
