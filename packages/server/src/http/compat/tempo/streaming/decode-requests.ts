import { WireReader } from '../../../../otlp/wire/wire-reader.ts'
import { InvalidParameterError } from '../../../../query/sql/invalid-parameter.ts'

/** Parameters of the same request over HTTP. */
export type Parameters = Readonly<Record<string, string>>

/**
 * `tempopb.SearchRequest`
 *
 * | field             | parameter     |
 * |-------------------|---------------|
 * | 1 Tags            | `tags`        |
 * | 2 MinDurationMs   | `minDuration` |
 * | 3 MaxDurationMs   | `maxDuration` |
 * | 4 Limit           | `limit`       |
 * | 5 start, 6 end    | in seconds    |
 * | 8 Query           | `q`           |
 * | 9 SpansPerSpanSet | `spss`        |
 *
 * @throws OtlpError if the bytes are not protobuf
 */
export function decodeSearchRequest(bytes: Buffer): Parameters {
  const { texts, numbers } = readFields(bytes)
  const millis = (field: number): string | undefined => toText(numbers.get(field), 'ms')
  return defined({
    tags: texts.get(1)?.map(decodeTag).join(' '),
    minDuration: millis(2),
    maxDuration: millis(3),
    limit: toText(numbers.get(4)),
    start: toText(numbers.get(5)),
    end: toText(numbers.get(6)),
    q: getLastText(texts, 8),
    spss: toText(numbers.get(9)),
  })
}

/**
 * `tempopb.SearchTagsRequest`: 1 scope, 2 query, 3 start and 4 end in seconds, 5 maxTagsPerScope.
 */
export function decodeTagsRequest(bytes: Buffer): Parameters {
  const { texts, numbers } = readFields(bytes)
  return defined({
    scope: getLastText(texts, 1),
    q: getLastText(texts, 2),
    start: toText(numbers.get(3)),
    end: toText(numbers.get(4)),
    limit: toText(numbers.get(5)),
  })
}

/** `tempopb.SearchTagValuesRequest`: 1 tagName, 2 query, 4 start, 5 end, 6 maxTagValues. */
export function decodeTagValuesRequest(bytes: Buffer): Parameters {
  const { texts, numbers } = readFields(bytes)
  return defined({
    tag: getLastText(texts, 1),
    q: getLastText(texts, 2),
    start: toText(numbers.get(4)),
    end: toText(numbers.get(5)),
    limit: toText(numbers.get(6)),
  })
}

/**
 * `tempopb.QueryRangeRequest` and `QueryInstantRequest`: 1 query, 2 start, 3 end, 4 step, in Unix
 * nanoseconds, 16 exemplars. The other fields are for Tempo's own processes.
 */
export function decodeMetricsRequest(bytes: Buffer): Parameters {
  const { texts, numbers } = readFields(bytes)
  return defined({
    q: getLastText(texts, 1),
    start: toSeconds(numbers.get(2)),
    end: toSeconds(numbers.get(3)),
    step: toText(numbers.get(4), 'ns'),
    exemplars: toText(numbers.get(16)),
  })
}

type Fields = {
  readonly texts: ReadonlyMap<number, readonly Buffer[]>
  readonly numbers: ReadonlyMap<number, bigint>
}

function readFields(bytes: Buffer): Fields {
  const reader = new WireReader(bytes)
  const texts = new Map<number, Buffer[]>()
  const numbers = new Map<number, bigint>()
  const end = bytes.length
  while (reader.pos < end) {
    const tag = reader.varint()
    const field = tag >>> 3
    if ((tag & 7) === 2 && field > 0) {
      const stop = reader.readEnd(end)
      const values = texts.get(field) ?? []
      texts.set(field, values)
      values.push(bytes.subarray(reader.pos, stop))
      reader.pos = stop
    } else {
      const start = reader.pos
      reader.skip(tag, end)
      if ((tag & 7) === 0) numbers.set(field, readVarint(bytes.subarray(start, reader.pos)))
    }
  }
  reader.endMessage(end)
  return { texts, numbers }
}

/** All 64 bits, which `WireReader.varint` has not. */
function readVarint(bytes: Buffer): bigint {
  return BigInt.asUintN(
    64,
    bytes.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 0x7f), 0n),
  )
}

function decodeTag(entry: Buffer): string {
  const { texts } = readFields(entry)
  const [key, value] = [getLastText(texts, 1) ?? '', getLastText(texts, 2) ?? '']
  if (!/^[^\s=]+$/.test(key))
    throw new InvalidParameterError('tags', `invalid tag name ${JSON.stringify(key.slice(0, 100))}: expected one word`)
  return `${key}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** The last one counts if a field is repeated by mistake. */
function getLastText(texts: Fields['texts'], field: number): string | undefined {
  return texts.get(field)?.at(-1)?.toString() || undefined
}

/** 0 is the same as an absent field in proto3. */
function toText(value: bigint | undefined, unit = ''): string | undefined {
  return value === undefined || value === 0n ? undefined : `${value}${unit}`
}

function toSeconds(nanos: bigint | undefined): string | undefined {
  if (nanos === undefined || nanos === 0n) return undefined
  return `${nanos / 1_000_000_000n}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`
}

function defined(values: Readonly<Record<string, string | undefined>>): Parameters {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
