import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { Access } from '../access/access.ts'
import type { Principal } from '../access/authenticator.ts'
import { toClientId } from '../access/client-id.ts'
import { ForbiddenError, UnauthenticatedError } from '../access/errors.ts'
import { isSameOrigin } from '../access/host-guard.ts'
import type { Origin } from '../access/proxies.ts'
import { permits, type RouteRole } from '../access/roles.ts'
import type { Log } from '../log.ts'
import { sanitize } from '../sanitize.ts'
import { sendProblem } from './problems.ts'
import { readSessionCookie } from './session/session-cookie.ts'
import { wantsPage } from './wants-page.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route requires; each route must have it. */
    role?: RouteRole
    /** Browsers that ask for the page of this path get it without credentials. */
    isPageToo?: boolean
  }
  interface FastifyRequest {
    /** As the client sees them, in front of trusted proxies. */
    origin: Origin
    /** Undefined on public routes. */
    principal: Principal | undefined
    /** Throws if the credentials are no longer valid: for streams. */
    reauthorize: () => void
    /** Whom limits are shared by: the token or user, or the address if everyone may read. */
    client: string
  }
}

export type AccessGuard = {
  /** Requests that were rejected, by reason, since the start. */
  readonly rejected: { unauthenticated: number; forbidden: number; rateLimited: number }
  /** All routes; complete when the server listens. */
  readonly routes: readonly GuardedRoute[]
}

export type GuardedRoute = { readonly method: string; readonly url: string; readonly role: RouteRole }

/**
 * Checks Host, Origin and credentials of each request before anything else reads it.
 *
 * @throws an Error at start for a route without a role
 */
export function guardAccess(app: FastifyInstance, access: Access, log: Log): AccessGuard {
  const rejected = { unauthenticated: 0, forbidden: 0, rateLimited: 0 }
  app.decorateRequest('origin')
  app.decorateRequest('principal')
  app.decorateRequest('client', '')
  app.decorateRequest('reauthorize')
  app.addHook('onRequest', async (request, reply) => {
    request.origin = access.proxies(request.headers, request.socket)
    request.client = toClientId(request.origin.address)
    const refusal = checkOrigin(access, request)
    if (refusal !== undefined) {
      rejected.forbidden++
      // gRPC has an error format of its own.
      if (request.raw.httpVersionMajor === 2) throw new ForbiddenError(refusal.detail)
      return sendProblem(reply, { status: 403, ...refusal })
    }
    request.reauthorize = () => void authorize(access, request)
    try {
      request.principal = authorize(access, request)
      if (access.authenticator.isRequired() && request.principal !== undefined) request.client = request.principal.id
    } catch (error) {
      if (error instanceof ForbiddenError) rejected.forbidden++
      else rejected.unauthenticated++
      // Set here, as the Tempo and Jaeger APIs have error formats of their own. No Basic: browsers
      // would open a dialog of their own.
      if (error instanceof UnauthenticatedError) void reply.header('www-authenticate', 'Bearer realm="Spanlink"')
      throw error
    }
  })
  auditAdmins(app, log)
  return { rejected, routes: requireRoles(app) }
}

/** Gives all routes of an API the same role. */
export function setRole(app: FastifyInstance, role: RouteRole): void {
  app.addHook('onRoute', (route) => {
    route.config = { role, ...route.config }
  })
}

/** A line for each request that only admins may send: deletes and backups. */
function auditAdmins(app: FastifyInstance, log: Log): void {
  app.addHook('onResponse', async ({ routeOptions, method, url, principal, origin }, { statusCode }) => {
    if (routeOptions.config.role !== 'admin' || principal === undefined) return
    const who = `${sanitize(principal.name)} (${principal.id})`
    const what = `${method} ${sanitize(url)}`
    log(`${who} from ${origin.address}: ${what}, status ${statusCode}.`, { audit: 'admin-request', status: statusCode })
  })
}

function requireRoles(app: FastifyInstance): readonly GuardedRoute[] {
  const options: RouteOptions[] = []
  const routes: GuardedRoute[] = []
  app.addHook('onRoute', (route) => void options.push(route))
  // Not in onRoute: an API may give the role in its own hook, which runs later.
  app.addHook('onReady', async () => {
    for (const { method, url, config } of options) {
      if (config?.role === undefined) throw new Error(`Route ${String(method)} ${url} has no role.`)
      for (const one of [method].flat()) routes.push({ method: one, url, role: config.role })
    }
  })
  return routes
}

function authorize({ authenticator }: Access, request: FastifyRequest): Principal | undefined {
  const { role = 'public', isPageToo } = request.routeOptions.config
  if (role === 'public' || (isPageToo === true && wantsPage(request))) return undefined
  const principal = authenticator.authenticate({
    authorization: request.headers.authorization,
    session: readSessionCookie(request.headers.cookie),
  })
  if (permits(principal.roles, role)) return principal
  throw new ForbiddenError(`This needs the role ${role}; ${principal.name} has ${principal.roles.join(', ')}.`)
}

function checkOrigin(
  { isAllowedHost }: Access,
  { headers, origin }: FastifyRequest,
): { readonly title: string; readonly detail: string } | undefined {
  if (!isAllowedHost(origin.host)) {
    const detail = 'Host must be localhost, an address of this server, or one of --allowed-hosts.'
    return { title: 'Host not allowed', detail }
  }
  if (isSameOrigin(headers.origin, origin.host)) return undefined
  return { title: 'Origin not allowed', detail: 'Pages of other origins must not send requests.' }
}
