import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { ResourceSpans } from '../../http/compat/tempo/otlp-of-trace.ts'
import { CommandError, exitCodes } from '../api-client.ts'
import { convertJaegerToOtlp } from './jaeger-to-otlp.ts'
import { hasBase64Ids, convertTempoToOtlp, isObject } from './tempo-to-otlp.ts'

/** A request to the receiver with a part of a file. */
export type TraceFilePart = {
  readonly format: 'OTLP' | 'Jaeger' | 'Zipkin'
  /** Path on the receiver. */
  readonly path: string
  readonly body: string
}

const MAX_PART_SPANS = 1000
/** Below the maximum length of a string; files of lines have no limit. */
const MAX_DOCUMENT_CHARS = 400_000_000

/**
 * Reads OTLP JSON lines (the Collector's file exporter), an OTLP JSON document (also of Tempo or
 * Jaeger), Jaeger JSON or Zipkin v2 JSON, plain or gzip; `-` is stdin.
 *
 * @throws CommandError
 */
export async function* readTraceFile(file: string): AsyncGenerator<TraceFilePart> {
  try {
    yield* readParts(await openDecompressed(file === '-' ? process.stdin : createReadStream(file)), file)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    throw new CommandError(exitCodes.failed, `Cannot read ${file}: ${(cause as Error).message}`, cause)
  }
}

async function* readParts(input: AsyncIterable<Buffer> | Readable, file: string): AsyncGenerator<TraceFilePart> {
  const lines = createInterface({ input: input as Readable, crlfDelay: Infinity })
  const document: string[] = []
  let [size, number, isLines] = [0, 0, false]
  // Otherwise an error of the stream is an uncaught exception.
  let failed: Error | undefined
  ;(input as Readable).once('error', (error: Error) => {
    failed = error
    lines.close()
  })
  for await (const line of lines) {
    number += 1
    if (line.trim() === '') continue
    const value = document.length === 0 ? parseJson(line) : undefined
    const path = findOtlpPath(value)
    if (path !== undefined) {
      isLines = true
      yield { format: 'OTLP', path, body: hasBase64Ids(line) ? JSON.stringify(convertTempoToOtlp(value)) : line }
      continue
    }
    if (isLines) throw new CommandError(exitCodes.failed, `${file} line ${number} is not OTLP JSON.`)
    document.push(line)
    size += line.length
    if (size > MAX_DOCUMENT_CHARS) {
      throw new CommandError(
        exitCodes.failed,
        `${file} is too large for one JSON document. OTLP JSON lines have no limit.`,
      )
    }
  }
  if (failed !== undefined) throw failed
  if (document.length > 0) yield* splitDocument(parseJson(document.join('\n')), file)
}

function* splitDocument(value: unknown, file: string): Generator<TraceFilePart> {
  if (Array.isArray(value) && value.length > 0) {
    // A list of spans, or of traces as Zipkin's API returns it.
    const spans: readonly unknown[] = value.every(Array.isArray) ? value.flat() : value
    if (spans.every((span) => isObject(span) && 'id' in span && 'traceId' in span)) {
      for (let at = 0; at < spans.length; at += MAX_PART_SPANS) {
        const body = JSON.stringify(spans.slice(at, at + MAX_PART_SPANS))
        yield { format: 'Zipkin', path: '/api/v2/spans', body }
      }
      return
    }
  }
  if (isObject(value)) {
    const inner = isObject(value['result']) ? value['result'] : value
    const document = convertTempoToOtlp(inner) ?? inner
    const path = findOtlpPath(document)
    if (path !== undefined) {
      yield { format: 'OTLP', path, body: JSON.stringify(document) }
      return
    }
    const traces = Array.isArray(value['data']) ? value['data'] : Array.isArray(value['spans']) ? [value] : undefined
    if (traces?.every((trace) => isObject(trace) && Array.isArray(trace['spans'])) === true) {
      yield* splitSpans(convertJaegerToOtlp(traces))
      return
    }
  }
  const expected = 'OTLP JSON lines, OTLP JSON, Tempo JSON, Jaeger JSON or Zipkin v2 JSON, plain or gzip'
  throw new CommandError(exitCodes.failed, `Unknown format of ${file}: expected ${expected}.`)
}

function* splitSpans(resourceSpans: readonly ResourceSpans[]): Generator<TraceFilePart> {
  for (let at = 0; at < resourceSpans.length; at += MAX_PART_SPANS) {
    const body = JSON.stringify({ resourceSpans: resourceSpans.slice(at, at + MAX_PART_SPANS) })
    yield { format: 'Jaeger', path: '/v1/traces', body }
  }
}

function findOtlpPath(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  if (Array.isArray(value['resourceSpans'])) return '/v1/traces'
  if (Array.isArray(value['resourceLogs'])) return '/v1/logs'
  return Array.isArray(value['resourceMetrics']) ? '/v1/metrics' : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Detects gzip by the first two bytes. */
async function openDecompressed(input: Readable): Promise<Readable> {
  const first = await new Promise<Buffer | null>((resolve, reject) => {
    input.once('error', reject)
    input.once('readable', () => resolve(input.read() as Buffer | null))
  })
  // Empty: a stream that has ended emits no further end.
  if (first === null) return Readable.from([])
  input.unshift(first)
  if (first[0] !== 0x1f || first[1] !== 0x8b) return input
  const gunzip = createGunzip()
  input.once('error', (error) => gunzip.destroy(error))
  return input.pipe(gunzip)
}
