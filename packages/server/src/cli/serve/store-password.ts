import { UsageError } from '../args.ts'
import { readFlagFile } from './read-tls.ts'

type Environment = Readonly<Record<string, string | undefined>>

type StoreFlags = { readonly store: string | undefined; readonly 'store-password-file': string | undefined }

/** The URL of the store with the password that a file or the environment has. @throws UsageError */
export function toStore({ store, 'store-password-file': file }: StoreFlags, env: Environment): string | undefined {
  if (store === undefined) return undefined
  const password =
    file === undefined ? env['SPANLINK_STORE_PASSWORD'] : readFlagFile('--store-password-file', file).toString().trim()
  return addPassword(store, password, env)
}

/**
 * The URL of the store with its password, which no argument may contain: other users see the
 * arguments of a process.
 *
 * @param url from an argument, or from SPANLINK_STORE
 * @throws UsageError
 */
function addPassword(url: string, password: string | undefined, env: Environment): string {
  const [, scheme = '', user = '', given, rest = ''] =
    /^([a-z]+:\/\/)([^:@/?#]*)(?::([^@/?#]*))?(@.*)$/i.exec(url) ?? []
  if (given !== undefined && url !== env['SPANLINK_STORE']) {
    throw new UsageError(
      'a password in an argument is visible to other users: set SPANLINK_STORE, or SPANLINK_STORE_PASSWORD ' +
        'or --store-password-file',
    )
  }
  if (password === undefined || given !== undefined) return url
  if (rest === '') throw new UsageError('a password of the store needs a user: clickhouse://user@host:8123/database')
  return `${scheme}${user}:${encodeURIComponent(password)}${rest}`
}
