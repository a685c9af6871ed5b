import { Agent, request } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StatusResponse } from '@spanlink/api-schema'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { fuzzInput, type FuzzInput } from './fuzz-inputs.ts'

export type FuzzOptions = {
  readonly server: SpanlinkServer
  readonly seed: number
  /** Index of the first input. */
  readonly from: number
  readonly inputs: number
  /** Concurrent requests. */
  readonly exporters: number
  /** Called after each tenth, when no request is open and all accepted rows are stored. */
  readonly onTenth?: (done: number) => void
}

export type FuzzResult = {
  /** Number of responses by port and status. */
  readonly responses: ReadonlyMap<string, number>
  /** Trace ids of accepted valid requests. */
  readonly goodTraces: readonly string[]
  /** Unexpected results: input index and response. */
  readonly findings: readonly string[]
}

/** Sends the inputs of a seed to a server; an unexpected status is a finding. */
export async function fuzz({ server, seed, from, inputs, exporters, onTenth }: FuzzOptions): Promise<FuzzResult> {
  const { endpoints } = await fetchStatus(server)
  const targets = { http: endpoints.otlpHttp, api: server.url, grpc: endpoints.otlpGrpc ?? '' }
  const responses = new Map<string, number>()
  const goodTraces: string[] = []
  const findings: string[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: exporters })
  const calls = callsTo(targets.grpc)
  const tryOne = async (index: number): Promise<void> => {
    const input = fuzzInput(seed, index)
    let status: string
    for (;;) {
      status = await (input.port === 'grpc' ? calls.send(input) : sendHttp(agent, targets[input.port], input)).catch(
        (error: unknown) => `no response: ${String(error)}`,
      )
      // Retries like every exporter.
      if (input.goodTrace === undefined || (status !== '503' && status !== '14')) break
      await sleep(100)
    }
    const key = `${input.port} ${status}`
    responses.set(key, (responses.get(key) ?? 0) + 1)
    if (input.goodTrace !== undefined) {
      if (status === '200' || status === '0') goodTraces.push(input.goodTrace)
      else findings.push(`${index}: valid input, response ${key}`)
    } else if (!allowed[input.port].test(status)) findings.push(`${index}: ${key} ${input.path.slice(0, 300)}`)
  }
  for (let tenth = 0; tenth < 10; tenth++) {
    let next = from + Math.floor((inputs * tenth) / 10)
    const end = from + Math.floor((inputs * (tenth + 1)) / 10)
    await Promise.all(
      Array.from({ length: exporters }, async () => {
        while (next < end) await tryOne(next++)
      }),
    )
    // Accepted rows must be storable.
    await stored(server)
    onTenth?.(end - from)
  }
  calls.close()
  agent.destroy()
  return { responses, goodTraces, findings }
}

/**
 * 500 is never expected; 503 is returned for a full journal or a query that exceeds its memory
 * limit.
 */
const allowed = {
  http: /^(20[02]|400|404|405|413|415|503)$/,
  api: /^(200|400|404|414|422|431|503|504)$/,
  // OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, UNAVAILABLE
  grpc: /^(0|3|8|12|14)$/,
}

async function stored(server: SpanlinkServer): Promise<void> {
  while ((await fetchStatus(server)).journal.segments > 0) await sleep(50)
}

async function fetchStatus(server: SpanlinkServer): Promise<StatusResponse> {
  return (await server.getJson('/api/status')) as StatusResponse
}

function sendHttp(agent: Agent, base: string, { port, path, headers, body }: FuzzInput): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = port === 'api' ? 'GET' : 'POST'
    const sent = request(
      base + path,
      { agent, method, headers: { ...headers, 'content-length': body.length } },
      (response) => {
        response.resume()
        response.once('end', () => resolve(String(response.statusCode)))
        response.once('error', reject)
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Uses one connection, and opens another when it was closed. */
function callsTo(url: string): { send(input: FuzzInput): Promise<string>; close(): void } {
  let session: ClientHttp2Session | undefined
  const open = (): ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session
    session = connect(url)
    session.on('error', () => {})
    return session
  }
  return {
    send: ({ path, headers, body }) =>
      new Promise((resolve, reject) => {
        const stream = open().request({ ':method': 'POST', ':path': path, ...headers })
        let code: string | undefined
        stream.on('response', (received) => (code ??= received['grpc-status']?.toString()))
        stream.on('trailers', (received) => (code ??= received['grpc-status']?.toString()))
        stream.on('error', reject)
        stream.on('close', () => (code === undefined ? reject(new Error(`closed, ${stream.rstCode}`)) : resolve(code)))
        stream.resume()
        stream.end(body)
      }),
    close: () => session?.close(),
  }
}
