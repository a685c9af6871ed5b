import { join } from 'node:path'
import type { Access } from '../../access/access.ts'
import { createAuthenticator, openToAll } from '../../access/authenticator.ts'
import { createHostGuard, isLoopback } from '../../access/host-guard.ts'
import { createIngestLimits } from '../../access/ingest-limits.ts'
import { createIdentityProvider } from '../../access/sign-in/oidc.ts'
import { createProxies, type Proxies } from '../../access/proxies.ts'
import { createSessions } from '../../access/sign-in/sessions.ts'
import { createSignIn } from '../../access/sign-in/sign-in.ts'
import { openTls, type Tls } from '../../access/tls.ts'
import { type LiveTokens, openTokens } from '../../access/tokens/live-tokens.ts'
import type { Log } from '../../log.ts'
import { UsageError } from '../args.ts'
import type { AccessOptions } from './access-options.ts'
import { readAuthorities, readCertificate } from './read-tls.ts'

const DEFAULT_SESSION_SECONDS = 12 * 3600

/**
 * Reads tokens and certificates, and refuses to serve everyone on an address that others reach.
 *
 * @param place address to listen on, and the data directory
 * @throws UsageError
 */
export function openAccess(
  options: AccessOptions,
  { host, dataDir }: { readonly host: string; readonly dataDir: string },
  log: Log,
): Access {
  const file = options.tokensFile ?? join(dataDir, 'tokens.json')
  const tokens = readTokens(file, log)
  const hasAuthentication = tokens.exists() || options.oidc !== undefined
  if (options.insecureNoAuth === true && hasAuthentication) {
    throw new UsageError(`--insecure-no-auth contradicts the tokens in ${file} or --oidc-issuer: remove one of them`)
  }
  if (!isLoopback(host) && !hasAuthentication && options.insecureNoAuth !== true) {
    throw new UsageError(
      `--host ${host} without authentication would let everyone read and write: create a token (spanlink token create ` +
        `--role admin --tokens ${file}), set --oidc-issuer, listen on 127.0.0.1 behind a proxy that authenticates, ` +
        'or pass --insecure-no-auth',
    )
  }
  const sessions = createSessions((options.sessionSeconds ?? DEFAULT_SESSION_SECONDS) * 1000)
  const provider = options.oidc && createIdentityProvider(options.oidc)
  const common = {
    ingestLimits: createIngestLimits(),
    isAllowedHost: createHostGuard(host, options.allowedHosts),
    proxies: readProxies(options),
    tls: readTls(options, log),
    corsOrigins: options.corsOrigins ?? [],
  }
  if (options.insecureNoAuth === true) return { ...common, authenticator: openToAll }
  return {
    ...common,
    authenticator: createAuthenticator(tokens, sessions, hasAuthentication),
    signIn: createSignIn(tokens, sessions, provider, log),
  }
}

function readTokens(file: string, log: Log): LiveTokens {
  try {
    return openTokens(file, log)
  } catch (error) {
    throw new UsageError(`cannot read the tokens in ${file}: ${(error as Error).message}`)
  }
}

function readProxies({ trustedProxies }: AccessOptions): Proxies {
  try {
    return createProxies(trustedProxies)
  } catch (error) {
    throw new UsageError(`invalid --trusted-proxies: ${(error as Error).message}`)
  }
}

function readTls({ tls }: AccessOptions, log: Log): Tls | undefined {
  if (tls === undefined) return undefined
  const { certFile, keyFile, clientCaFile } = tls
  const files = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])]
  const read = () => ({
    ...readCertificate({ cert: '--tls-cert', key: '--tls-key' }, tls),
    ...(clientCaFile === undefined ? {} : { ca: readAuthorities('--tls-client-ca', clientCaFile) }),
  })
  return openTls(files, read, log)
}
