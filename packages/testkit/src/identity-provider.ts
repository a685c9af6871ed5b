import { once } from 'node:events'
import type { Server } from 'node:http'
import { freePorts } from './process/free-ports.ts'
import { Provider } from 'oidc-provider'

export type TestProvider = { readonly issuer: string; readonly clientSecret: string } & AsyncDisposable

const CLIENT_ID = 'spanlink'

/**
 * A real OpenID Connect provider, whose login page accepts any name and password. The user's groups
 * are the parts of the name: `anna.operators` is in `operators`.
 *
 * @param clientUrl where the provider may redirect to
 */
export async function startIdentityProvider(clientUrl: string): Promise<TestProvider> {
  const [port = 0] = await freePorts(1)
  const issuer = `http://127.0.0.1:${port}`
  const clientSecret = 'a client secret of the tests'
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: clientSecret,
        redirect_uris: [`${clientUrl}/api/session/oidc/callback`],
        post_logout_redirect_uris: [`${clientUrl}/`],
      },
    ],
    claims: { openid: ['sub', 'groups', 'name'], profile: [], email: [] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, name: id.split('.')[0] ?? '', groups: id.split('.').slice(1) }),
    }),
    cookies: { keys: ['only for tests'] },
    features: { devInteractions: { enabled: true } },
  })
  // Its warnings about development settings.
  provider.on('server_error', (_context, error) => process.stderr.write(`identity provider: ${error.message}\n`))
  const server: Server = provider.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    issuer,
    clientSecret,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Arguments of `spanlink serve` for this provider; the secret belongs into the environment. */
export function toArguments({ issuer }: TestProvider): readonly string[] {
  const roles = 'operators=admin,shop=read'
  return ['--oidc-issuer', issuer, '--oidc-client-id', CLIENT_ID, '--oidc-roles', roles]
}
