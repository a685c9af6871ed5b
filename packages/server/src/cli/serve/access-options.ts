import { type Role, roles } from '../../access/roles.ts'
import { type FlagTable, type FlagValues, type Parser, UsageError } from '../args.ts'
import { durationParser, listParser, textParser } from '../parsers.ts'
import { readFlagFile } from './read-tls.ts'

/** Who may use the server, and under which names. */
export type AccessOptions = {
  /** File of tokens; see `spanlink token`. @default `tokens.json` in the data directory */
  readonly tokensFile?: string | undefined
  /** Serves everyone, also on other addresses than loopback. @default false */
  readonly insecureNoAuth?: boolean | undefined
  /** PEM files of the certificate, with its chain, and key of every port. @default plain text */
  readonly tls?:
    | { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string | undefined }
    | undefined
  /** Host names besides localhost and IP addresses. @default none */
  readonly allowedHosts?: readonly string[] | undefined
  /** Addresses and networks of proxies whose `X-Forwarded-*` headers count. @default none */
  readonly trustedProxies?: readonly string[] | undefined
  /** Path under which a proxy publishes the UI and the API. @default '/' */
  readonly basePath?: string | undefined
  /** Origins whose pages may send OTLP over HTTP; `*` allows all. @default none */
  readonly corsOrigins?: readonly string[] | undefined
  /** Sign-in at an OpenID Connect provider. @default with tokens only */
  readonly oidc?: OidcFlags | undefined
  /** How long a browser stays signed in, in seconds. @default 12 hours */
  readonly sessionSeconds?: number | undefined
}

export type OidcFlags = {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret?: string | undefined
  readonly scopes?: string | undefined
  readonly rolesClaim?: string | undefined
  readonly roles: ReadonlyMap<string, Role>
}

const issuerParser: Parser<URL> = {
  expected: 'an https URL such as https://login.example.com/realms/shop',
  parse: (text) => {
    const url = URL.parse(text)
    const isLocal = url?.protocol === 'http:' && /^(localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)
    return url !== null && (url.protocol === 'https:' || isLocal) ? url : undefined
  },
}

const rolesParser: Parser<ReadonlyMap<string, Role>> = {
  expected: 'values of the claim and roles such as team-orders=read,operators=admin,*=read',
  parse: (text) => {
    const pairs = text.split(',').map((pair) => /^\s*(.+)=(ingest|read|admin)\s*$/.exec(pair))
    if (pairs.includes(null)) return undefined
    return new Map(pairs.map((pair) => [pair?.[1] ?? '', roles.find((role) => role === pair?.[2]) ?? 'read']))
  },
}

/** With slashes at both ends. */
const basePathParser: Parser<string> = {
  expected: 'a path such as /spanlink',
  parse: (text) => (/^(\/[\w.~-]+)+\/?$/.test(text) ? `${text.replace(/\/$/, '')}/` : text === '/' ? '/' : undefined),
}

/** No flag takes a secret: other users see the arguments of a process. */
export const accessFlags = {
  tokens: {
    value: 'FILE',
    env: 'SPANLINK_TOKENS',
    default: 'tokens.json in the data directory',
    description: 'tokens with their roles, as spanlink token writes them; read again when the file changes',
  },
  'insecure-no-auth': { description: 'serve everyone, also on addresses other than loopback' },
  'tls-cert': { value: 'FILE', description: 'certificate chain of all ports, PEM; turns TLS on' },
  'tls-key': { value: 'FILE', description: 'private key of that certificate, PEM' },
  'tls-client-ca': {
    value: 'FILE',
    description: 'authorities of client certificates, PEM; such a client may send without a token',
  },
  'allowed-hosts': {
    value: 'LIST',
    parser: listParser,
    env: 'SPANLINK_ALLOWED_HOSTS',
    description: 'names under which clients reach the server, besides localhost and IP addresses; *.example.com, *',
  },
  'trusted-proxies': {
    value: 'LIST',
    parser: listParser,
    env: 'SPANLINK_TRUSTED_PROXIES',
    description: 'addresses and networks of proxies whose X-Forwarded-For, -Host and -Proto count',
  },
  'base-path': {
    value: 'PATH',
    parser: basePathParser,
    env: 'SPANLINK_BASE_PATH',
    default: '/',
    description: 'path under which a reverse proxy publishes the UI and the API',
  },
  'otlp-cors-origins': {
    value: 'LIST',
    parser: listParser,
    description: 'origins whose pages may send OTLP over HTTP, separated by commas; * allows all',
  },
  'oidc-issuer': {
    value: 'URL',
    parser: issuerParser,
    env: 'SPANLINK_OIDC_ISSUER',
    description: 'OpenID Connect provider at which users sign in',
  },
  'oidc-client-id': {
    value: 'ID',
    parser: textParser,
    env: 'SPANLINK_OIDC_CLIENT_ID',
    description: 'id of this client at the provider',
  },
  'oidc-client-secret-file': {
    value: 'FILE',
    default: '$SPANLINK_OIDC_CLIENT_SECRET, the secret itself; without any, a public client',
    description: 'file that holds the secret of this client',
  },
  'oidc-roles': {
    value: 'LIST',
    parser: rolesParser,
    env: 'SPANLINK_OIDC_ROLES',
    description: 'role by value of the claim: operators=admin,team-orders=read; * is every user',
  },
  'oidc-roles-claim': { value: 'NAME', parser: textParser, default: 'groups', description: 'claim with these values' },
  'oidc-scopes': {
    value: 'TEXT',
    parser: textParser,
    default: 'openid profile email',
    description: 'scopes to ask for, separated by spaces',
  },
  'session-duration': {
    value: 'DURATION',
    parser: durationParser,
    default: '12h',
    description: 'how long a browser stays signed in',
  },
} as const satisfies FlagTable

/** @throws UsageError */
export function toAccessOptions(
  flags: FlagValues<typeof accessFlags>,
  env: Readonly<Record<string, string | undefined>>,
): AccessOptions {
  return {
    tokensFile: flags.tokens,
    insecureNoAuth: flags['insecure-no-auth'],
    tls: toTlsFiles(flags),
    allowedHosts: flags['allowed-hosts'],
    trustedProxies: flags['trusted-proxies'],
    basePath: flags['base-path'],
    corsOrigins: flags['otlp-cors-origins'],
    oidc: toOidc(flags, env),
    sessionSeconds: flags['session-duration'],
  }
}

function toTlsFiles(flags: FlagValues<typeof accessFlags>): AccessOptions['tls'] {
  const { 'tls-cert': certFile, 'tls-key': keyFile, 'tls-client-ca': clientCaFile } = flags
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('--tls-cert and --tls-key require each other')
  }
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile }
  if (clientCaFile !== undefined) throw new UsageError('--tls-client-ca requires --tls-cert and --tls-key')
  return undefined
}

function toOidc(
  flags: FlagValues<typeof accessFlags>,
  env: Readonly<Record<string, string | undefined>>,
): OidcFlags | undefined {
  const { 'oidc-issuer': issuer, 'oidc-client-id': clientId, 'oidc-roles': mapping } = flags
  const given = Object.entries(flags).find(([name, value]) => name.startsWith('oidc-') && value !== undefined)
  if (given === undefined) return undefined
  if (issuer === undefined || clientId === undefined || mapping === undefined) {
    throw new UsageError(`--${given[0]} requires --oidc-issuer, --oidc-client-id and --oidc-roles`)
  }
  const file = flags['oidc-client-secret-file']
  const clientSecret =
    file === undefined
      ? env['SPANLINK_OIDC_CLIENT_SECRET']
      : readFlagFile('--oidc-client-secret-file', file).toString('utf8').trim()
  return {
    issuer,
    clientId,
    clientSecret,
    scopes: flags['oidc-scopes'],
    rolesClaim: flags['oidc-roles-claim'],
    roles: mapping,
  }
}
