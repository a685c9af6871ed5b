import type { Problem } from '@spanlink/api-schema'
import { signal } from '@preact/signals'

/** A failed request; the message says what happened and what to do. */
export class ApiError extends Error {
  readonly status: number
  /** What failed, such as `Query too expensive`; undefined if the response is no problem. */
  readonly title: string | undefined
  /** The range of the error in the query, in UTF-16 units. */
  readonly sourceRange: { readonly from: number; readonly to: number } | undefined
  /** True if a trace that was not found may be in data that the server can't read. */
  readonly missingParts: boolean

  constructor(message: string, status: number, cause?: unknown, problem: Partial<Problem> = {}) {
    super(message, { cause })
    const { from, to, missingParts, title } = problem
    this.name = 'ApiError'
    this.status = status
    this.title = title
    this.sourceRange = from === undefined || to === undefined ? undefined : { from, to }
    this.missingParts = missingParts === true
  }
}

/** Set by the first request that needs a session and has none. */
export const isSignedOut = signal(false)

/** `status` is 0 if no response arrived. */
export async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } }).catch((cause: unknown) => {
    if (signal.aborted) throw cause
    throw new ApiError("Can't reach the server. Is Spanlink still running?", 0, cause)
  })
  if (response.status === 401) isSignedOut.value = true
  if (!response.ok) throw await toApiError(response)
  try {
    // Not validated: the server's tests check its responses against the schema.
    return (await response.json()) as T
  } catch (cause) {
    if (signal.aborted) throw cause
    throw new ApiError('The response was cut off or is not JSON.', response.status, cause)
  }
}

/** Sends a change, and returns the JSON of the response if there is any. @throws ApiError */
export async function sendJson<T>(method: 'POST' | 'DELETE', path: string, body?: object): Promise<T | undefined> {
  const content = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await fetch(path, { method, ...content }).catch((cause: unknown) => {
    throw new ApiError("Can't reach the server. Is Spanlink still running?", 0, cause)
  })
  if (!response.ok) throw await toApiError(response)
  return response.status === 204 ? undefined : ((await response.json()) as T)
}

async function toApiError(response: Response): Promise<ApiError> {
  const fallback = `The server returned ${response.status} ${response.statusText}.`
  const problem = (await response.json().catch(() => undefined)) as Partial<Problem> | undefined
  return new ApiError(problem?.detail || problem?.title || fallback, response.status, undefined, problem)
}
