import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Access } from '../../access/access.ts'
import type { Principal } from '../../access/authenticator.ts'
import { isSameOrigin } from '../../access/host-guard.ts'
import { ForbiddenError } from '../../access/errors.ts'
import { permits } from '../../access/roles.ts'

type Headers = IncomingHttpHeaders

/** Address of the client, in front of trusted proxies. */
export function getClientAddress({ proxies }: Access, headers: Headers, socket: Socket | undefined): string {
  const { address } = proxies(headers, socket ?? {})
  return address === '' ? 'a closed connection' : address
}

/**
 * Rejects names of this server that it doesn't have, and pages of origins that are not allowed.
 *
 * @throws ForbiddenError
 */
export function checkHost({ isAllowedHost, proxies, corsOrigins }: Access, headers: Headers, socket: Socket): void {
  const { host } = proxies(headers, socket ?? {})
  if (!isAllowedHost(host)) throw new ForbiddenError(`Host ${quote(host)} is not allowed (--allowed-hosts).`)
  const { origin } = headers
  const isAllowedOrigin =
    origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin) || isSameOrigin(origin, host)
  if (!isAllowedOrigin) throw new ForbiddenError(`Origin ${quote(origin)} is not allowed (--otlp-cors-origins).`)
}

/**
 * The sender of a request.
 *
 * @throws UnauthenticatedError, ForbiddenError without the role `ingest`, RateLimitError
 */
export function authorizeIngest(access: Access, headers: Headers, socket: Socket | undefined): Principal {
  const principal = access.authenticator.authenticate({
    authorization: headers.authorization,
    hasCertificate: (socket as Partial<TLSSocket> | undefined)?.authorized === true,
  })
  if (!permits(principal.roles, 'ingest')) throw new ForbiddenError('The token lacks the role ingest.')
  access.ingestLimits.check(principal)
  return principal
}

function quote(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 200))
}
