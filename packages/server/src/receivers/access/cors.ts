import type { Access } from '../../access/access.ts'

/** CORS headers of a response to `origin`; undefined if the origin isn't allowed. */
export function createCorsHeaders(
  { corsOrigins }: Access,
  origin: string | undefined,
): Readonly<Record<string, string>> | undefined {
  if (origin === undefined || !(corsOrigins.includes('*') || corsOrigins.includes(origin))) return undefined
  return { 'access-control-allow-origin': origin, vary: 'Origin' }
}

const PREFLIGHT_SECONDS = 7200

/** Headers of a preflight response, in addition to those of `createCorsHeaders`. */
export function createPreflightHeaders(requestedHeaders: string | undefined): Readonly<Record<string, string>> {
  const names = /^[\w\-, ]{1,1000}$/.test(requestedHeaders ?? '') ? requestedHeaders : undefined
  return {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': names ?? 'content-type',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  }
}
