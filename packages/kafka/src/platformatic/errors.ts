/**
 * `error` with its name as `type`, where the core finds an `error.type`, and as `code`, where the
 * SDK finds an `exception.type`: the broker's (`apiId`, NOT_ENOUGH_REPLICAS) if there is one among
 * the errors it is made of, else the client's (PLT_KFK_USER).
 */
export function withErrorType(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const type = brokerError(error, 0) ?? (error as { readonly code?: unknown }).code
  if (typeof type !== 'string') return error
  // The application gets its own error; this one is read for a span and then forgotten.
  return Object.create(error, { type: { value: type }, code: { value: type } })
}

// Errors of several brokers, each with several attempts, each with a cause: deeper than this they
// don't nest.
const MAX_DEPTH = 6

function brokerError(error: unknown, depth: number): string | undefined {
  if (!(error instanceof Error) || depth > MAX_DEPTH) return undefined
  const { apiId, errors } = error as { readonly apiId?: unknown; readonly errors?: unknown }
  if (typeof apiId === 'string' && apiId !== '') return apiId
  for (const inner of Array.isArray(errors) ? errors : []) {
    const found = brokerError(inner, depth + 1)
    if (found !== undefined) return found
  }
  return brokerError(error.cause, depth + 1)
}
