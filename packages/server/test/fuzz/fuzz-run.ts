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
  /** At a time. */
  readonly senders: number
  /** After each tenth, with nothing on its way and all that was taken in the store. */
  readonly onTenth?: (done: number) => void
}

export type FuzzResult = {
  /** By port and status. */
  readonly answers: ReadonlyMap<string, number>
  /** Good requests that were taken. */
  readonly goodTraces: readonly string[]
  /** What must not be: an index, and what happened. */
  readonly findings: readonly string[]
}

/** Sends the inputs of a seed to a server; what it can't answer in order is a finding. */
export async function fuzz({ server, seed, from, inputs, senders, onTenth }: FuzzOptions): Promise<FuzzResult> {
  const { endpoints } = await status(server)
  const targets = { http: endpoints.otlpHttp, api: server.url, grpc: endpoints.otlpGrpc ?? '' }
  const answers = new Map<string, number>()
  const goodTraces: string[] = []
  const findings: string[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: senders })
  const calls = callsTo(targets.grpc)
  const tryOne = async (index: number): Promise<void> => {
    const input = fuzzInput(seed, index)
    let answer: string
    for (;;) {
      answer = await (input.port === 'grpc' ? calls.send(input) : sendHttp(agent, targets[input.port], input)).catch(
        (error: unknown) => `no answer: ${String(error)}`,
      )
      // Told to come again: as every sender does.
      if (input.goodTrace === undefined || (answer !== '503' && answer !== '14')) break
      await sleep(100)
    }
    const key = `${input.port} ${answer}`
    answers.set(key, (answers.get(key) ?? 0) + 1)
    if (input.goodTrace !== undefined) {
      if (answer === '200' || answer === '0') goodTraces.push(input.goodTrace)
      else findings.push(`${index}: good, answered ${key}`)
    } else if (!allowed[input.port].test(answer)) findings.push(`${index}: ${key} ${input.path.slice(0, 300)}`)
  }
  for (let tenth = 0; tenth < 10; tenth++) {
    let next = from + Math.floor((inputs * tenth) / 10)
    const end = from + Math.floor((inputs * (tenth + 1)) / 10)
    await Promise.all(
      Array.from({ length: senders }, async () => {
        while (next < end) await tryOne(next++)
      }),
    )
    // What was taken has to be something that the store takes.
    await stored(server)
    onTenth?.(end - from)
  }
  calls.close()
  agent.destroy()
  return { answers, goodTraces, findings }
}

/**
 * 500 and its like are never right; 503 is what a full journal or a question that is too heavy
 * gets.
 */
const allowed = {
  http: /^(20[02]|400|404|405|413|415|503)$/,
  api: /^(200|400|404|414|422|431|503|504)$/,
  // OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, UNAVAILABLE
  grpc: /^(0|3|8|12|14)$/,
}

async function stored(server: SpanlinkServer): Promise<void> {
  while ((await status(server)).journal.segments > 0) await sleep(50)
}

async function status(server: SpanlinkServer): Promise<StatusResponse> {
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

/** Over one connection, and a new one where that was closed. */
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
