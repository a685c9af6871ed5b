/**
 * Adds the error's name as `type` and `code`, which the core reads as `error.type` and the SDK as
 * `exception.type`: the broker's (`apiId`, NOT_ENOUGH_REPLICAS), else the client's (PLT_KFK_USER).
 */
export function withErrorType(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const type = findBrokerError(error, 0) ?? (error as { readonly code?: unknown }).code
  if (typeof type !== 'string') return error
  // A copy for the span; the application gets its own error.
  return Object.create(error, { type: { value: type }, code: { value: type } })
}

// Errors nest by broker, attempt and cause.
const MAX_DEPTH = 6

function findBrokerError(error: unknown, depth: number): string | undefined {
  if (!(error instanceof Error) || depth > MAX_DEPTH) return undefined
  const { apiId, errors } = error as { readonly apiId?: unknown; readonly errors?: unknown }
  if (typeof apiId === 'string' && apiId !== '') return apiId
  for (const inner of Array.isArray(errors) ? errors : []) {
    const found = findBrokerError(inner, depth + 1)
    if (found !== undefined) return found
  }
  return findBrokerError(error.cause, depth + 1)
}
