import { setTimeout } from 'node:timers/promises'
import type { StatusResponse } from '@spanlink/api-schema'
import { CommandError, exitCodes, fetchJson, type Server } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { readTraceFile, type TraceFilePart } from '../files/read-file.ts'
import { formatCount } from '../format/terminal.ts'
import { urlParser } from '../parsers.ts'

const MAX_ATTEMPTS = 8
const MAX_RETRY_SECONDS = 30

export const importCommand = defineClientCommand({
  summary: 'sends files of traces to the server: OTLP, Tempo, Jaeger or Zipkin JSON, also gzip',
  description: 'Sends files of traces to the server, plain or gzip. Formats are detected by content.',
  usage: ['import FILE... [options]      (- is stdin)'],
  notes: `  OTLP JSON lines   traces, logs and metrics, as the Collector's file exporter writes them
  OTLP JSON         one document, as a request of OTLP/HTTP or a response of Jaeger has it
  Tempo JSON        a trace as Tempo's API returns it
  Jaeger JSON       as Jaeger's UI downloads a trace; references to other traces become links
  Zipkin v2 JSON    a list of spans, or of traces`,
  exitCodes: '0 done, 1 failed or some spans rejected, 2 invalid arguments, 4 no server',
  json: 'print a JSON summary per file',
  positionals: { name: 'FILE', min: 1, max: Infinity },
  flags: {
    'otlp-url': {
      value: 'URL',
      parser: urlParser,
      default: 'as the server at --url reports',
      description: 'URL of the OTLP/HTTP receiver',
    },
  },
  run: async ({ server, json, 'otlp-url': otlpUrl }, files, out) => {
    const receiverUrl = otlpUrl ?? (await fetchReceiverUrl(server))
    let hasRejected = false
    for (const file of files) {
      const sum = { file, format: '', requests: 0, rejected: 0, reason: '' }
      for await (const part of readTraceFile(file)) {
        const { rejected, reason } = await sendPart(receiverUrl, server.token, part)
        sum.format = part.format
        sum.requests += 1
        sum.rejected += rejected
        sum.reason ||= reason
      }
      if (sum.requests === 0) throw new CommandError(exitCodes.failed, `${file} is empty.`)
      hasRejected ||= sum.rejected > 0
      if (json) out.line(JSON.stringify(sum))
      else out.line(`${file}: ${sum.format}, sent in ${formatCount(sum.requests, 'request')}.`)
      if (sum.rejected > 0) out.note(`${file}: ${formatCount(sum.rejected, 'item')} rejected: ${sum.reason}`)
    }
    return hasRejected ? exitCodes.failed : 0
  },
})

async function fetchReceiverUrl(server: Server): Promise<string> {
  const { endpoints } = await fetchJson<StatusResponse>(server, '/api/status')
  return endpoints.otlpHttp.replace(/\/+$/, '')
}

async function sendPart(
  receiverUrl: string,
  token: string | undefined,
  part: TraceFilePart,
): Promise<{ readonly rejected: number; readonly reason: string }> {
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(`${receiverUrl}${part.path}`, { method: 'POST', headers, body: part.body }).catch(
      (cause: unknown) => {
        throw new CommandError(exitCodes.unreachable, `No OTLP receiver at ${receiverUrl}. Set --otlp-url.`, cause)
      },
    )
    const text = await response.text()
    if (response.ok) return parsePartialSuccess(text)
    // Retryable by https://opentelemetry.io/docs/specs/otlp/#failures-1.
    if (![429, 502, 503, 504].includes(response.status) || attempt === MAX_ATTEMPTS) {
      const reason = parseErrorMessage(text) || `status ${response.status}`
      throw new CommandError(exitCodes.failed, `The receiver rejected the request: ${reason}`)
    }
    const seconds = Number(response.headers.get('retry-after') ?? '1')
    await setTimeout(Math.min(Number.isFinite(seconds) ? seconds : 1, MAX_RETRY_SECONDS) * 1000)
  }
}

function parsePartialSuccess(text: string): { readonly rejected: number; readonly reason: string } {
  if (text === '') return { rejected: 0, reason: '' }
  const { partialSuccess = {} } = JSON.parse(text) as { readonly partialSuccess?: Readonly<Record<string, unknown>> }
  const rejected = Object.entries(partialSuccess).find(([name]) => name.startsWith('rejected'))
  return { rejected: Number(rejected?.[1] ?? 0), reason: String(partialSuccess['errorMessage'] ?? '') }
}

function parseErrorMessage(text: string): string {
  try {
    return String((JSON.parse(text) as { readonly message?: unknown }).message ?? '')
  } catch {
    return text.slice(0, 200).trim()
  }
}
