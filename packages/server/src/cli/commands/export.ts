import { createWriteStream } from 'node:fs'
import process from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { FlowResponse, TraceResponse } from '@spanlink/api-schema'
import { toJaegerTrace } from '../../http/compat/jaeger/jaeger-trace.ts'
import { toOtlp } from '../../http/compat/tempo/otlp-of-trace.ts'
import { CommandError, exitCodes, fetchJson, type Server } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { toZipkinSpans } from '../files/trace-to-zipkin.ts'
import { choiceParser, traceIdParser } from '../parsers.ts'

const MAX_FLOW_TRACES = 1000

const formats = ['otlp', 'jaeger', 'zipkin'] as const

export const exportCommand = defineClientCommand({
  summary: 'writes traces to a file: OTLP JSON lines, Jaeger JSON or Zipkin JSON',
  description: 'Writes traces to a file or to stdout.',
  usage: ['export ID... [options]'],
  notes: `  otlp     OTLP JSON, one trace a line
  jaeger   Jaeger JSON; attributes of links are lost
  zipkin   Zipkin v2 JSON; links and value types are lost`,
  json: false,
  positionals: { name: 'ID', min: 1, max: Infinity, parser: traceIdParser },
  flags: {
    flow: { description: `include all traces of the flow, at most ${MAX_FLOW_TRACES}` },
    format: {
      value: 'FORMAT',
      parser: choiceParser(formats),
      default: 'otlp',
      description: 'otlp, jaeger or zipkin',
    },
    output: { value: 'FILE', default: 'stdout', description: 'file to write' },
    gzip: { default: 'when FILE ends in .gz', description: 'compress' },
  },
  run: async ({ server, flow, format = 'otlp', output, gzip }, positionals) => {
    const ids = flow === true ? await fetchFlowIds(server, positionals) : new Set(positionals)
    const traces = fetchTraces(server, [...ids])
    // Before the file is opened: a missing trace replaces no file.
    const first = await traces.next()
    const text = Readable.from(writers[format](first.done === true ? undefined : first.value, traces))
    const isGzip = gzip === true || output?.endsWith('.gz') === true
    const compress = isGzip ? [createGzip()] : []
    try {
      if (output === undefined) await pipeline([text, ...compress, process.stdout], { end: false })
      else await pipeline([text, ...compress, createWriteStream(output)])
    } catch (cause) {
      if (cause instanceof CommandError) throw cause
      // `head` closes the pipe early.
      if ((cause as NodeJS.ErrnoException).code === 'EPIPE') return 0
      const message = `Cannot write ${output ?? 'stdout'}: ${(cause as Error).message}`
      throw new CommandError(exitCodes.failed, message, cause)
    }
    return 0
  },
})

type Writer = (first: TraceResponse | undefined, rest: AsyncIterable<TraceResponse>) => AsyncGenerator<string>

const writers: Readonly<Record<(typeof formats)[number], Writer>> = {
  otlp: async function* (first, rest) {
    if (first !== undefined) yield `${JSON.stringify({ resourceSpans: toOtlp(first) })}\n`
    for await (const trace of rest) yield `${JSON.stringify({ resourceSpans: toOtlp(trace) })}\n`
  },
  jaeger: async function* (first, rest) {
    yield '{"data":['
    if (first !== undefined) yield JSON.stringify(toJaegerTrace(first))
    for await (const trace of rest) yield `,${JSON.stringify(toJaegerTrace(trace))}`
    yield '],"total":0,"limit":0,"offset":0,"errors":null}\n'
  },
  zipkin: async function* (first, rest) {
    yield '['
    if (first !== undefined) yield JSON.stringify(toZipkinSpans(first)).slice(1, -1)
    for await (const trace of rest) yield `,${JSON.stringify(toZipkinSpans(trace)).slice(1, -1)}`
    yield ']\n'
  },
}

async function* fetchTraces(server: Server, ids: readonly string[]): AsyncGenerator<TraceResponse> {
  for (const id of ids) yield await fetchJson<TraceResponse>(server, `/api/traces/${id}`)
}

async function fetchFlowIds(server: Server, traceIds: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const id of traceIds) {
    const flow = await fetchJson<FlowResponse>(server, `/api/flows/${id}`, { maxTraces: MAX_FLOW_TRACES })
    for (const lane of flow.lanes) ids.add(lane.traceId)
  }
  return ids
}
