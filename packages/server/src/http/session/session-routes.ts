import { SessionResponse, SignInRequest } from '@spanlink/api-schema'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { UnauthenticatedError } from '../../access/errors.ts'
import { SIGN_IN_SECONDS } from '../../access/sign-in/oidc.ts'
import type { SignIn, StartedSession } from '../../access/sign-in/sign-in.ts'
import {
  formatSessionCookie,
  formatSignInCookie,
  readSessionCookie,
  readSignInCookie,
  type CookiePlace,
} from './session-cookie.ts'

const PUBLIC = { config: { role: 'public' } } as const

/**
 * Serves `/api/session`: whether authentication is on, sign-in with a token or at an identity
 * provider, and sign-out.
 *
 * @param basePath path of the UI, which ends with `/`
 */
export function serveSession(app: FastifyInstance, access: Access, basePath: string): void {
  const { signIn } = access
  app.get('/api/session', PUBLIC, (request, reply) => noStore(reply).send(describeSession(access, request)))
  if (signIn === undefined) return
  const placeOf = ({ origin }: FastifyRequest): CookiePlace => ({ basePath, protocol: origin.protocol })

  app.post('/api/session', { ...PUBLIC, schema: { body: SignInRequest } }, (request, reply) => {
    const { token } = request.body as SignInRequest
    setSession(reply, signIn.withToken(token, request.client), placeOf(request))
    return noStore(reply).code(204).send()
  })
  app.delete('/api/session', PUBLIC, async (request, reply) => {
    const secret = readSessionCookie(request.headers.cookie)
    const ended = secret === undefined ? undefined : signIn.end(secret, request.client)
    void noStore(reply).header('set-cookie', formatSessionCookie('', 0, placeOf(request)))
    const idToken = ended?.owner.type === 'user' ? ended.owner.idToken : undefined
    // Signed out here in any case; the provider may be down.
    const returnTo = toUrl(request, basePath)
    const redirect =
      ended?.owner.type === 'user'
        ? await signIn.provider?.getSignOutUrl(idToken, returnTo).catch(() => undefined)
        : undefined
    return await reply.send({ redirect })
  })
  if (signIn.provider !== undefined) serveProvider(app, signIn, basePath, placeOf)
}

function serveProvider(
  app: FastifyInstance,
  signIn: SignIn,
  basePath: string,
  placeOf: (request: FastifyRequest) => CookiePlace,
): void {
  const { provider } = signIn
  if (provider === undefined) return
  const callbackUrl = (request: FastifyRequest): string => toUrl(request, `${basePath}api/session/oidc/callback`)
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply => {
    const reason = (error as Error).message
    signIn.refuse(request.client, reason)
    return noStore(reply).redirect(`${basePath}?${new URLSearchParams({ 'sign-in-error': reason.slice(0, 300) })}`)
  }
  app.get('/api/session/oidc', PUBLIC, async (request, reply) => {
    const { next } = request.query as { readonly next?: unknown }
    try {
      signIn.begin(request.client)
      const { url, secret } = await provider.begin(callbackUrl(request), toLocalPath(next))
      void reply.header('set-cookie', formatSignInCookie(secret, SIGN_IN_SECONDS, placeOf(request)))
      return await noStore(reply).redirect(url)
    } catch (error) {
      return refuse(request, reply, error)
    }
  })
  app.get('/api/session/oidc/callback', PUBLIC, async (request, reply) => {
    const url = new URL(callbackUrl(request))
    url.search = request.url.split('?', 2)[1] ?? ''
    try {
      const secret = readSignInCookie(request.headers.cookie)
      if (secret === undefined) throw new UnauthenticatedError('The sign-in was begun in another browser. Try again.')
      const { owner, next } = await provider.finish(url, secret)
      if (owner.type === 'user') setSession(reply, signIn.asUser(owner, request.client), placeOf(request))
      void reply.header('set-cookie', formatSignInCookie('', 0, placeOf(request)))
      return await noStore(reply).redirect(`${basePath}${next}`)
    } catch (error) {
      return refuse(request, reply, error)
    }
  })
}

function describeSession({ authenticator, signIn }: Access, request: FastifyRequest): SessionResponse {
  const methods = {
    token: true,
    ...(signIn?.provider === undefined ? {} : { oidc: { label: signIn.provider.label } }),
  }
  if (!authenticator.isRequired()) return { authentication: 'none', methods }
  const secret = readSessionCookie(request.headers.cookie)
  const { authorization } = request.headers
  try {
    const { name, roles } = authenticator.authenticate({ authorization, session: secret })
    const session = authorization === undefined && secret !== undefined ? signIn?.find(secret) : undefined
    const expiresAt = session && { expiresAt: new Date(session.expiresAt).toISOString() }
    return { authentication: 'required', user: { name, roles: [...roles], ...expiresAt }, methods }
  } catch (error) {
    // A wrong token is an error; a session that ended is not.
    if (authorization !== undefined) throw error
    return { authentication: 'required', methods }
  }
}

function setSession(reply: FastifyReply, { secret, expiresAt }: StartedSession, place: CookiePlace): void {
  const maxAge = Math.max(0, Math.floor((expiresAt - Date.now()) / 1000))
  void reply.header('set-cookie', formatSessionCookie(secret, maxAge, place))
}

function toUrl({ origin }: FastifyRequest, path: string): string {
  return `${origin.protocol}://${origin.host ?? 'localhost'}${path}`
}

/** Without its leading slash; '' for anything that could lead to another site. */
function toLocalPath(next: unknown): string {
  if (typeof next !== 'string' || next.length > 4000) return ''
  const base = 'http://here.invalid/'
  const url = URL.parse(next, base)
  return url?.href.startsWith(base) === true ? url.href.slice(base.length).replace(/^\/+/, '') : ''
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store')
}
