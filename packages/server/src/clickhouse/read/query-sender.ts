import { Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as TlsAgent, request as requestHttps } from 'node:https'
import { type ClickHouseSettings, parseError } from '@clickhouse/client'
import type { QueryParams } from '../store.ts'

export type QuerySender = {
  /**
   * Runs a query. `undefined` when its parameters are too long for a URL. Rejects like the driver.
   */
  send(query: SentQuery): Promise<QueryResult> | undefined
  close(): void
}

export type SentQuery = {
  /** With the format. */
  readonly sql: string
  readonly params: QueryParams
  readonly settings: ClickHouseSettings
  readonly queryId: string
  readonly signal: AbortSignal
}

export type QueryResult = { readonly bytes: Buffer; readonly summary: string | readonly string[] | undefined }

type Response = { readonly message: IncomingMessage; readonly bytes: Buffer }

export type SenderOptions = {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly database: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
}

/** Also of other characters; proxies accept 8 KiB. */
const MAX_PARAMS_LENGTH = 4096

/**
 * Sends queries with a plain request: 0.3 ms of CPU. The driver's streams and signals around the
 * same request take 0.85 ms.
 */
export function createQuerySender(options: SenderOptions): QuerySender {
  const { protocol, hostname, port, pathname } = new URL(options.url)
  const isTls = protocol === 'https:'
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: options.connections })
  const credentials = Buffer.from(`${options.username}:${options.password}`).toString('base64')
  const headers = { authorization: `Basic ${credentials}`, ...options.headers }
  const post = (path: string, sql: string, signal: AbortSignal): Promise<Response> =>
    new Promise((resolve, reject) => {
      const request = (isTls ? requestHttps : requestHttp)({
        agent,
        // An IPv6 address is in brackets.
        hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
        port,
        path,
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(sql) },
        signal,
      })
      request.once('error', reject)
      request.once('response', (message) => {
        const chunks: Buffer[] = []
        message.on('data', (chunk: Buffer) => chunks.push(chunk))
        message.once('end', () => resolve({ message, bytes: Buffer.concat(chunks) }))
        message.once('error', reject)
      })
      request.end(sql)
    })
  const run = async (params: string, { sql, settings, queryId, signal }: SentQuery): Promise<QueryResult> => {
    const search = new URLSearchParams({
      ...(options.database === undefined ? {} : { database: options.database }),
      query_id: queryId,
    })
    for (const [name, value] of Object.entries(settings)) search.set(name, String(value))
    const { message, bytes } = await post(`${pathname}?${search}${params}`, sql, signal)
    if (message.statusCode !== 200 || message.headers['x-clickhouse-exception-code'] !== undefined) {
      throw parseError(bytes.toString())
    }
    return { bytes, summary: message.headers['x-clickhouse-summary'] }
  }
  return {
    send: (query) => {
      const params = encodeParams(query.params)
      return params.length > MAX_PARAMS_LENGTH ? undefined : run(params, query)
    },
    close: () => agent.destroy(),
  }
}

function encodeParams(params: QueryParams): string {
  let encoded = ''
  for (const [name, value] of Object.entries(params)) {
    encoded += `&param_${name}=${encodeURIComponent(formatParam(value).toWellFormed())}`
  }
  return encoded
}

/** ClickHouse reads parameters as values of TabSeparated. */
function formatParam(value: QueryParams[string]): string {
  if (typeof value === 'string') return escapeText(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number') return String(value)
  return `[${value.map((element) => (typeof element === 'string' ? `'${escapeText(element)}'` : element)).join(',')}]`
}

function escapeText(text: string): string {
  return text.replaceAll(/[\t\n\r'\\]/g, (character) => ESCAPES[character] ?? character)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\t': String.raw`\t`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  "'": String.raw`\'`,
  '\\': String.raw`\\`,
}
