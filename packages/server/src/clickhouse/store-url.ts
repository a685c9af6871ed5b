import type { Access } from './client.ts'
import { StoreError } from './store-error.ts'

export type StoreUrl = {
  /** One per host, in the order given. */
  readonly nodes: readonly [Access, ...Access[]]
  readonly database: string
  /** A name in the servers' `remote_servers`; the tables are sharded over it. */
  readonly cluster?: string
}

const URL_FORM = 'clickhouse://user:password@host:8123/database'

/**
 * Parses `clickhouse://user:password@host:8123/database`, or the same with `http` or `https`. A
 * sharded cluster lists every node:
 * `clickhouse://user:password@one:8123,two:8123/database?cluster=name`.
 *
 * @throws StoreError
 */
export function parseStoreUrl(text: string): StoreUrl {
  const parts = /^(?<scheme>[a-z]+):\/\/(?<login>[^@/?#]*@)?(?<hosts>[^@/?#]+)(?<rest>[/?].*)?$/i.exec(text)?.groups
  const { scheme = '', login = '', hosts = '', rest = '/' } = parts ?? {}
  const protocol = scheme === 'clickhouse' ? 'http' : scheme
  if (protocol !== 'http' && protocol !== 'https') throw createUrlError()
  const urls = hosts.split(',').map((host) => `${protocol}://${login}${host}${rest}`)
  if (!urls.every((url) => URL.canParse(url)) || !isDecodable(login)) throw createUrlError()
  const [first, ...others] = urls.map((url) => new URL(url)) as [URL, ...URL[]]

  const unknown = [...first.searchParams.keys()].find((key) => key !== 'cluster')
  if (unknown !== undefined) throw new StoreError('refused', `unknown --store parameter "${unknown}": expected cluster`)
  const cluster = first.searchParams.get('cluster') ?? undefined
  if (cluster === undefined && others.length > 0) {
    throw new StoreError('refused', '--store with several hosts requires ?cluster=NAME')
  }
  if (cluster !== undefined) checkIdentifier('cluster', cluster)
  return {
    nodes: [toAccess(first, protocol), ...others.map((url) => toAccess(url, protocol))],
    database: checkIdentifier('database', first.pathname.slice(1) || 'spanlink'),
    ...(cluster === undefined ? {} : { cluster }),
  }
}

/** False for a `%` in a password that is not itself encoded. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function toAccess(url: URL, protocol: string): Access {
  return {
    // URL drops the scheme's default port. Without a port, use 8123, where ClickHouse listens.
    url: `${protocol}://${url.hostname}:${url.port || '8123'}`,
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
  }
}

/** Checks an identifier that becomes part of SQL text. */
function checkIdentifier(what: string, name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,55}$/.test(name)) return name
  throw new StoreError('refused', `invalid --store ${what} ${JSON.stringify(name)}: expected letters, digits and _`)
}

function createUrlError(): StoreError {
  return new StoreError('refused', `invalid --store URL: expected ${URL_FORM}`)
}
