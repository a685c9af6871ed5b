import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { ResourceSpans } from '../../http/compat/tempo/otlp-of-trace.ts'
import { CommandError, exitCodes } from '../api-client.ts'
import { otlpOfJaeger } from './jaeger-to-otlp.ts'
import { hasBase64Ids, otlpOfTempo } from './tempo-to-otlp.ts'

/** A request to the receiver, made of a piece of a file. */
export type Piece = {
  readonly format: 'OTLP' | 'Jaeger' | 'Zipkin'
  /** Of the receiver. */
  readonly path: string
  readonly body: string
}

/** Spans of one request. */
const SPANS_AT_ONCE = 1000
/** As much as one string may hold, with room: files of lines have no limit. */
const DOCUMENT_AT_MOST = 400_000_000

/**
 * What is in a file, plain or gzip, `-` being stdin: OTLP JSON lines (the Collector's file exporter
 * writes them: traces, logs, metrics), one OTLP JSON document, Tempo's JSON of a trace (either
 * API), OTLP as Jaeger wraps it, Jaeger JSON or Zipkin v2 JSON.
 *
 * @throws CommandError
 */
export async function* readTraceFile(file: string): AsyncGenerator<Piece> {
  try {
    yield* piecesOf(await unzipped(file === '-' ? process.stdin : createReadStream(file)), file)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    throw new CommandError(exitCodes.failed, `${file} can't be read: ${(cause as Error).message}`, cause)
  }
}

async function* piecesOf(input: AsyncIterable<Buffer> | Readable, file: string): AsyncGenerator<Piece> {
  const lines = createInterface({ input: input as Readable, crlfDelay: Infinity })
  const document: string[] = []
  let [size, number, isLines] = [0, 0, false]
  // An error of the stream would else be thrown past us.
  let failed: Error | undefined
  ;(input as Readable).once('error', (error: Error) => {
    failed = error
    lines.close()
  })
  for await (const line of lines) {
    number += 1
    if (line.trim() === '') continue
    const value = document.length === 0 ? parsed(line) : undefined
    const path = otlpPath(value)
    if (path !== undefined) {
      isLines = true
      yield { format: 'OTLP', path, body: hasBase64Ids(line) ? JSON.stringify(otlpOfTempo(value)) : line }
      continue
    }
    if (isLines) throw new CommandError(exitCodes.failed, `${file} line ${number} is no OTLP JSON.`)
    document.push(line)
    size += line.length
    if (size > DOCUMENT_AT_MOST) {
      throw new CommandError(
        exitCodes.failed,
        `${file} is too large for one JSON document. OTLP JSON lines have no limit.`,
      )
    }
  }
  if (failed !== undefined) throw failed
  if (document.length > 0) yield* piecesOfDocument(parsed(document.join('\n')), file)
}

function* piecesOfDocument(value: unknown, file: string): Generator<Piece> {
  if (Array.isArray(value) && value.length > 0) {
    // One list of spans, or a list of traces, as Zipkin's own API answers.
    const spans: readonly unknown[] = value.every(Array.isArray) ? value.flat() : value
    if (spans.every((span) => isObject(span) && 'id' in span && 'traceId' in span)) {
      for (let at = 0; at < spans.length; at += SPANS_AT_ONCE) {
        const body = JSON.stringify(spans.slice(at, at + SPANS_AT_ONCE))
        yield { format: 'Zipkin', path: '/api/v2/spans', body }
      }
      return
    }
  }
  if (isObject(value)) {
    const inner = isObject(value['result']) ? value['result'] : value
    const document = otlpOfTempo(inner) ?? inner
    const path = otlpPath(document)
    if (path !== undefined) {
      yield { format: 'OTLP', path, body: JSON.stringify(document) }
      return
    }
    const traces = Array.isArray(value['data']) ? value['data'] : Array.isArray(value['spans']) ? [value] : undefined
    if (traces?.every((trace) => isObject(trace) && Array.isArray(trace['spans'])) === true) {
      yield* otlpPieces(otlpOfJaeger(traces))
      return
    }
  }
  const known = 'OTLP JSON lines, OTLP JSON, Jaeger JSON or Zipkin v2 JSON'
  throw new CommandError(exitCodes.failed, `${file} holds none of ${known}, plain or gzip.`)
}

function* otlpPieces(resourceSpans: readonly ResourceSpans[]): Generator<Piece> {
  for (let at = 0; at < resourceSpans.length; at += SPANS_AT_ONCE) {
    const body = JSON.stringify({ resourceSpans: resourceSpans.slice(at, at + SPANS_AT_ONCE) })
    yield { format: 'Jaeger', path: '/v1/traces', body }
  }
}

function otlpPath(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  if (Array.isArray(value['resourceSpans'])) return '/v1/traces'
  if (Array.isArray(value['resourceLogs'])) return '/v1/logs'
  return Array.isArray(value['resourceMetrics']) ? '/v1/metrics' : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** By the first two bytes, whatever the file is called. */
async function unzipped(input: Readable): Promise<Readable> {
  const first = await new Promise<Buffer | null>((resolve, reject) => {
    input.once('error', reject)
    input.once('readable', () => resolve(input.read() as Buffer | null))
  })
  // Empty. What has ended already would never tell a reader so.
  if (first === null) return Readable.from([])
  input.unshift(first)
  if (first[0] !== 0x1f || first[1] !== 0x8b) return input
  const gunzip = createGunzip()
  input.once('error', (error) => gunzip.destroy(error))
  return input.pipe(gunzip)
}
