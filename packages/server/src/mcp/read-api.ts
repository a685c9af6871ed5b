import { ToolError, TooLargeError } from './tool-error.ts'

/**
 * Sends `GET path` to the HTTP API with the caller's credentials, and returns the body of the
 * successful response. The only way from tools to data: roles, limits and deadlines are the API's.
 *
 * @throws ToolError with the detail of the API's problem
 */
export type FetchApi = (path: string, signal: AbortSignal) => Promise<string>

export type ApiQuery = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** The JSON of `GET path`. @throws ToolError */
export type ReadApi = <Body>(path: string, query?: ApiQuery) => Promise<Body>

/** A trace of 200,000 spans has 32 MiB of JSON, and takes several times that when parsed. */
const MAX_BODY_BYTES = 12 * 1024 * 1024

export function createReader(fetchApi: FetchApi, signal: AbortSignal): ReadApi {
  return async <Body>(path: string, query: ApiQuery = {}) => {
    const params = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value ?? []].flat()) params.append(name, String(one))
    }
    return JSON.parse(await fetchApi(params.size === 0 ? path : `${path}?${params}`, signal)) as Body
  }
}

/** Reads a body as text, at most `maxBytes`. @throws TooLargeError */
export async function readBody(chunks: AsyncIterable<Uint8Array>, maxBytes = MAX_BODY_BYTES): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.byteLength
    if (size > maxBytes) throw new TooLargeError(`The data exceeds ${maxBytes / 2 ** 20} MiB: narrow the request.`)
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** The error of a response that isn't 2xx: the detail of its RFC 9457 problem. */
export function toToolError(status: number, body: string): ToolError {
  try {
    const { detail } = JSON.parse(body) as { readonly detail?: unknown }
    if (typeof detail === 'string') return new ToolError(detail)
  } catch {
    // Not JSON: a proxy's page.
  }
  return new ToolError(`The server responded with status ${status}.`)
}
