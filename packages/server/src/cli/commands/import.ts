import { setTimeout } from 'node:timers/promises'
import type { StatusResponse } from '@spanlink/api-schema'
import { askServer, CommandError, exitCodes } from '../api-client.ts'
import { parseClientArgs } from '../client-options.ts'
import { COMMON_HELP, type Command } from '../command.ts'
import { readTraceFile, type Piece } from '../files/read-file.ts'
import { plural } from '../format/terminal.ts'

const TRIES = 8

export const importCommand: Command = {
  asks: 'server',
  summary: 'sends a file of traces to the server: OTLP, Jaeger or Zipkin JSON, also gzip',
  help: `Sends files of traces to the server. Plain or gzip, told apart by what is in them:

  OTLP JSON lines      traces, logs and metrics, as the Collector's file exporter writes them
  OTLP JSON            one document, also as Tempo and Jaeger answer
  Jaeger JSON          as Jaeger's UI downloads a trace; references to other traces become links
  Zipkin v2 JSON       a list of spans, or of traces

Usage: spanlink import FILE... [options]      (- is stdin)

  --otlp-url URL      the receiver (default: what the server at --url says)
  --otlp-token TOKEN  where the receiver wants one (or $SPANLINK_OTLP_TOKEN)
${COMMON_HELP}Exit code 1 also where the server refused some of the spans.
`,
  run: async (args, out) => {
    const flags = { 'otlp-url': { type: 'string' }, 'otlp-token': { type: 'string' } } as const
    const options = parseClientArgs(args, flags, { least: 1, most: Infinity, what: 'The file' })
    const base = options.text('otlp-url') ?? (await receiverOf(options.url))
    const token = options.text('otlp-token') ?? process.env['SPANLINK_OTLP_TOKEN']
    let refusedAny = false
    for (const file of options.positionals) {
      const sum = { file, format: '', requests: 0, rejected: 0, reason: '' }
      for await (const piece of readTraceFile(file)) {
        const { rejected, reason } = await sendPiece(base, token, piece)
        sum.format = piece.format
        sum.requests += 1
        sum.rejected += rejected
        sum.reason ||= reason
      }
      if (sum.requests === 0) throw new CommandError(exitCodes.failed, `${file} is empty.`)
      refusedAny ||= sum.rejected > 0
      if (options.json) out.line(JSON.stringify(sum))
      else out.line(`${file}: ${sum.format}, sent in ${plural(sum.requests, 'request')}.`)
      if (sum.rejected > 0) out.note(`${file}: ${plural(sum.rejected, 'item')} refused: ${sum.reason}`)
    }
    return refusedAny ? exitCodes.failed : 0
  },
}

async function receiverOf(url: string): Promise<string> {
  const { endpoints } = await askServer<StatusResponse>(url, '/api/status')
  return endpoints.otlpHttp
}

async function sendPiece(
  base: string,
  token: string | undefined,
  piece: Piece,
): Promise<{ readonly rejected: number; readonly reason: string }> {
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(`${base.replace(/\/+$/, '')}${piece.path}`, {
      method: 'POST',
      headers,
      body: piece.body,
    }).catch((cause: unknown) => {
      throw new CommandError(exitCodes.unreachable, `No receiver answers at ${base}. --otlp-url says where.`, cause)
    })
    const text = await response.text()
    if (response.ok) return partOf(text)
    // https://opentelemetry.io/docs/specs/otlp/#failures-1: those may be sent again, after the time
    // the server names.
    if (![429, 502, 503, 504].includes(response.status) || tries === TRIES) {
      throw new CommandError(
        exitCodes.failed,
        `The receiver refused: ${messageOf(text) || `status ${response.status}`}`,
      )
    }
    const seconds = Number(response.headers.get('retry-after') ?? '1')
    await setTimeout(Math.min(Number.isFinite(seconds) ? seconds : 1, 30) * 1000)
  }
}

function partOf(text: string): { readonly rejected: number; readonly reason: string } {
  if (text === '') return { rejected: 0, reason: '' }
  const { partialSuccess = {} } = JSON.parse(text) as { readonly partialSuccess?: Readonly<Record<string, unknown>> }
  const rejected = Object.entries(partialSuccess).find(([name]) => name.startsWith('rejected'))
  return { rejected: Number(rejected?.[1] ?? 0), reason: String(partialSuccess['errorMessage'] ?? '') }
}

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { readonly message?: unknown }).message ?? '')
  } catch {
    return text.slice(0, 200).trim()
  }
}
