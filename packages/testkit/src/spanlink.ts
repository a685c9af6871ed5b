import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { startGuarded, waitForLine, type GuardedProcess } from './process/guarded-process.ts'
import { encodeTraces, type TracesRequest } from './otlp/otlp.ts'

export interface SpanlinkOptions {
  /**
   * Kept when the server stops, so that another can use it. @default a temporary directory, removed
   * by `stop()`
   */
  readonly dataDir?: string
  /** A built `main.js` to run instead of the source. */
  readonly main?: string
  /** Extra arguments of `spanlink serve`. */
  readonly args?: readonly string[]
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Sent with the requests of `getJson`, for a server that requires one. */
  readonly token?: string
  /** Time to become ready, in milliseconds. @default 60000 */
  readonly timeout?: number
}

export interface SpanlinkServer {
  /** Base URL of UI and API, `http://127.0.0.1:port`. */
  readonly url: string
  /** Base endpoint for OTLP/HTTP exporters. */
  readonly otlpHttp: string
  readonly pid: number
  readonly dataDir: string
  /** The last 2,000 lines of the server's stdout and stderr. */
  readonly stderr: () => string
  /** Sends a signal and waits for the exit; returns the exit code, 128 + n for signal n. */
  readonly kill: (signal: NodeJS.Signals) => Promise<number>
  /**
   * Sends SIGTERM and waits for the exit; removes a temporary directory. Idempotent. Returns the
   * exit code.
   */
  readonly stop: () => Promise<number>
  /** Sends spans as protobuf and returns the receiver's response. */
  readonly sendSpans: (request: TracesRequest) => Promise<Response>
  /** The JSON response of `GET path`; throws with status and body unless it is 2xx. */
  readonly getJson: (path: string) => Promise<unknown>
  /** PID of the embedded engine, found as the server's child process (Linux only). */
  readonly enginePid: () => Promise<number | undefined>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/**
 * Starts the real server from source on free ports: `await using spanlink = await startSpanlink()`.
 * It stops when this process dies, even by `kill -9`.
 *
 * @throws an Error with the server's `exitCode` if it isn't ready in time
 */
export async function startSpanlink(options: SpanlinkOptions = {}): Promise<SpanlinkServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'spanlink-data-')))
  const guarded = await startGuarded([process.execPath, ...serve(dataDir, options.main), ...(options.args ?? [])], {
    env: { ...process.env, ...options.env },
    orphanedDirectory: options.dataDir === undefined ? dataDir : undefined,
  })
  let stopped: Promise<number> | undefined
  const kill = async (signal: NodeJS.Signals): Promise<number> => {
    try {
      if (!guarded.hasEnded()) process.kill(guarded.pid, signal)
    } catch (error) {
      // The process has already exited.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    return await guarded.ended()
  }
  const stop = async (): Promise<number> => {
    stopped ??= (async () => {
      const killTimer = setTimeout(() => void kill('SIGKILL'), STOP_TIMEOUT)
      const code = await kill('SIGTERM')
      clearTimeout(killTimer)
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
      return code
    })()
    return await stopped
  }

  try {
    const url = await readyUrl(guarded, options.timeout ?? 60_000)
    const getJson = async (path: string): Promise<unknown> => await fetchJson(url + path, guarded, options.token)
    const otlpHttp = otlpEndpoint(await getJson('/api/status'))
    guarded.unref()
    return {
      url,
      otlpHttp,
      pid: guarded.pid,
      dataDir,
      stderr: guarded.output,
      kill,
      stop,
      sendSpans: async (request) => await postTraces(otlpHttp, request),
      getJson,
      enginePid: async () => await childOf(guarded.pid),
      [Symbol.asyncDispose]: async () => void (await stop()),
    }
  } catch (error) {
    throw Object.assign(error as Error, { exitCode: await stop() })
  }
}

/** Milliseconds to drain before the server is killed, with exit code 137. */
const STOP_TIMEOUT = 15_000

const SOURCE_MAIN = fileURLToPath(new URL('../../server/src/cli/main.ts', import.meta.url))

function serve(dataDir: string, main = SOURCE_MAIN): string[] {
  const ports = ['--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0']
  return [...(main === SOURCE_MAIN ? ['--conditions=spanlink:source'] : []), main, 'serve', '--data', dataDir, ...ports]
}

async function readyUrl(guarded: GuardedProcess, timeout: number): Promise<string> {
  const found = await waitForLine(guarded, /Spanlink is ready on (https?:\S+)/, timeout)
  if (typeof found !== 'string') return (found[1] as string).replace(/\/$/, '')
  throw new Error(`spanlink serve ${found}; its last lines:\n${guarded.output()}`)
}

async function fetchJson(url: string, server: GuardedProcess, token: string | undefined): Promise<unknown> {
  const response = await requestJson(url, token)
  if (response.ok) return await response.json()
  const log = response.status >= 500 ? `; the server's last lines:\n${server.output()}` : ''
  throw new Error(`GET ${url}: ${response.status} ${await response.text()}${log}`)
}

/** Accepts the self-signed certificates of tests, which `fetch` does not. */
async function requestJson(url: string, token: string | undefined): Promise<Response> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  if (url.startsWith('http:')) return await fetch(url, { headers })
  return await new Promise((resolve, reject) => {
    requestHttps(url, { headers, rejectUnauthorized: false, agent: false }, (response) => {
      const body = Readable.toWeb(response) as ReadableStream<Uint8Array>
      resolve(new Response(body, { status: response.statusCode ?? 500 }))
    })
      .once('error', reject)
      .end()
  })
}

function otlpEndpoint(status: unknown): string {
  const { endpoints } = status as { readonly endpoints?: { readonly otlpHttp?: unknown } }
  if (typeof endpoints?.otlpHttp === 'string') return endpoints.otlpHttp.replace(/\/$/, '')
  throw new Error(`/api/status names no endpoints.otlpHttp: ${JSON.stringify(status)}`)
}

export async function postTraces(otlpHttp: string, request: TracesRequest): Promise<Response> {
  return await fetch(`${otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(encodeTraces(request)),
  })
}

async function childOf(parent: number): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // The program's name is in brackets and may contain any character; state and parent follow the
    // last bracket.
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(ppid) === parent) return Number(name)
  }
  return undefined
}
