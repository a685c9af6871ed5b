/** Printed in one line; the program ends with `exitCode`. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
  }
}

/** Listed in docs/cli.md. */
export const exitCodes = { failed: 1, usage: 2, notFound: 3, unreachable: 4 } as const

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** @default 'GET' */
type Method = 'GET' | 'DELETE'

/** A running server. */
export type Server = {
  /** Without a trailing slash. */
  readonly url: string
  readonly token?: string | undefined
}

/** The JSON of `GET path`, or of another method. @throws CommandError */
export async function fetchJson<Body>(server: Server, path: string, query: Query = {}, method?: Method): Promise<Body> {
  const response = await fetchResponse(server, path, query, method)
  try {
    return (await response.json()) as Body
  } catch (cause) {
    throw new CommandError(exitCodes.unreachable, `The server at ${server.url} is not Spanlink.`, cause)
  }
}

/** Like `fetchJson`, but leaves the body unread. */
export async function fetchResponse(
  { url, token }: Server,
  path: string,
  query: Query = {},
  method: Method = 'GET',
  signal: AbortSignal | null = null,
): Promise<Response> {
  const target = new URL(`${url}${path}`)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) target.searchParams.set(name, String(value))
  }
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(target, { method, headers, signal }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause
    const hint = 'Start it, or set --url or SPANLINK_URL.'
    throw new CommandError(exitCodes.unreachable, `No server at ${url}. ${hint}`, cause)
  })
  if (!response.ok) throw toCommandError(response.status, await response.text())
  return response
}

function toCommandError(status: number, body: string): CommandError {
  const { detail, title, parameter } = parseProblem(body)
  if (status === 401) {
    const hint = 'Set SPANLINK_TOKEN or --token-file (spanlink token create --role read).'
    return new CommandError(exitCodes.failed, `The server requires a valid token. ${hint}`)
  }
  const message = typeof detail === 'string' ? detail : `The server responded with status ${status}.`
  if (status === 404 && title === 'Not found') return new CommandError(exitCodes.notFound, message)
  // 422 is a valid request for more than the server returns.
  const isUsage = parameter !== undefined && status !== 422
  return new CommandError(isUsage ? exitCodes.usage : exitCodes.failed, message)
}

function parseProblem(body: string): { readonly [field: string]: unknown } {
  try {
    return (JSON.parse(body) ?? {}) as { readonly [field: string]: unknown }
  } catch {
    return {}
  }
}
