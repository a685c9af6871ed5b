import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { FlowResponse, TraceResponse } from '@spanlink/api-schema'
import { jaegerOfTrace } from '../../http/compat/jaeger/jaeger-trace.ts'
import { otlpOfTrace } from '../../http/compat/tempo/otlp-of-trace.ts'
import { askServer, CommandError, exitCodes } from '../api-client.ts'
import { parseClientArgs, traceIdOf } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { zipkinOfTrace } from '../files/zipkin-of-trace.ts'
import { UsageError } from '../serve/serve-options.ts'

export const exportCommand: Command = {
  asks: 'server',
  summary: 'writes traces to a file: OTLP JSON lines, Jaeger JSON or Zipkin JSON',
  help: `Writes traces to a file or to stdout.

Usage: spanlink export ID... [options]

  --flow          all traces of the flow too (at most 1000)
  --format NAME   otlp: OTLP JSON, a line a trace (default)
                  jaeger: Jaeger JSON; attributes of links are lost
                  zipkin: Zipkin v2 JSON; links and types of values are lost
  --output FILE   (default: stdout)
  --gzip          (default where FILE ends in .gz)
${COMMON_HELP}`,
  run: async (args) => {
    const flags = {
      flow: { type: 'boolean' },
      gzip: { type: 'boolean' },
      format: { type: 'string' },
      output: { type: 'string' },
    } as const
    const options = parseClientArgs(args, flags, { least: 1, most: Infinity, what: 'The trace id' })
    const format = options.text('format') ?? 'otlp'
    const write = FORMATS[format]
    if (write === undefined) throw new UsageError(`--format ${format} is none of ${Object.keys(FORMATS).join(', ')}.`)
    const asked = options.positionals.map(traceIdOf)
    const ids = options.isSet('flow') ? await flowIds(options.url, asked) : new Set(asked)
    const output = options.text('output')
    const traces = tracesOf(options.url, [...ids])
    // Nothing is written, and no file replaced, where the first trace is not there.
    const first = await traces.next()
    const text = Readable.from(write(first.done === true ? undefined : first.value, traces))
    const isGzip = options.isSet('gzip') || output?.endsWith('.gz') === true
    const gzip = isGzip ? [createGzip()] : []
    try {
      if (output === undefined) await pipeline([text, ...gzip, process.stdout], { end: false })
      else await pipeline([text, ...gzip, createWriteStream(output)])
    } catch (cause) {
      if (cause instanceof CommandError) throw cause
      // Who read our lines left, which is theirs to do.
      if ((cause as NodeJS.ErrnoException).code === 'EPIPE') return 0
      throw new CommandError(
        exitCodes.failed,
        `${output ?? 'stdout'} can't be written: ${(cause as Error).message}`,
        cause,
      )
    }
    return 0
  },
}

type Write = (first: TraceResponse | undefined, rest: AsyncIterable<TraceResponse>) => AsyncGenerator<string>

const FORMATS: Readonly<Record<string, Write>> = {
  otlp: async function* (first, rest) {
    if (first !== undefined) yield `${JSON.stringify({ resourceSpans: otlpOfTrace(first) })}\n`
    for await (const trace of rest) yield `${JSON.stringify({ resourceSpans: otlpOfTrace(trace) })}\n`
  },
  jaeger: async function* (first, rest) {
    yield '{"data":['
    if (first !== undefined) yield JSON.stringify(jaegerOfTrace(first))
    for await (const trace of rest) yield `,${JSON.stringify(jaegerOfTrace(trace))}`
    yield '],"total":0,"limit":0,"offset":0,"errors":null}\n'
  },
  zipkin: async function* (first, rest) {
    yield '['
    if (first !== undefined) yield JSON.stringify(zipkinOfTrace(first)).slice(1, -1)
    for await (const trace of rest) yield `,${JSON.stringify(zipkinOfTrace(trace)).slice(1, -1)}`
    yield ']\n'
  },
}

async function* tracesOf(url: string, ids: readonly string[]): AsyncGenerator<TraceResponse> {
  for (const id of ids) yield await askServer<TraceResponse>(url, `/api/traces/${id}`)
}

async function flowIds(url: string, asked: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const id of asked) {
    const flow = await askServer<FlowResponse>(url, `/api/flows/${id}`, { maxTraces: 1000 })
    for (const lane of flow.lanes) ids.add(lane.traceId)
  }
  return ids
}
