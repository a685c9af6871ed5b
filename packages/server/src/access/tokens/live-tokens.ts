import { timingSafeEqual } from 'node:crypto'
import { limitLog, type Log } from '../../log.ts'
import { describeFile } from '../file-state.ts'
import { hashToken, parseTokenId } from './token.ts'
import { readTokenFileIfExists, type StoredToken } from './token-file.ts'

/** The tokens of a file, which is read again when it changes. */
export type LiveTokens = {
  /** The token with this text, unless it is unknown, revoked or expired. */
  find(text: string): StoredToken | undefined
  /** Like `find`, for a session that began with the token. */
  findById(id: string): StoredToken | undefined
  /** Whether there is a file, also one without tokens. */
  exists(): boolean
}

/** Longest time until a change of the file has an effect. */
const CHECK_INTERVAL_MS = 1000

/** Compared for unknown ids, so that these take as long as wrong secrets. */
const NO_HASH = Buffer.alloc(32)

/**
 * @param now in milliseconds since 1970
 * @throws an Error if the file exists and can't be read; later, the tokens read last stay valid
 */
export function openTokens(file: string, log: Log, now: () => number = Date.now): LiveTokens {
  let tokens = index(readTokenFileIfExists(file))
  let state = describeFile(file)
  let checkedAt = now()
  const logFailure = limitLog(log)
  const refresh = (isNow = false): void => {
    const time = now()
    if (!isNow && time - checkedAt < CHECK_INTERVAL_MS && time >= checkedAt) return
    checkedAt = time
    const found = describeFile(file)
    if (found === state) return
    try {
      tokens = index(readTokenFileIfExists(file))
      state = found
      log(`Read ${file} again: ${tokens.size} tokens.`, { audit: 'tokens-changed', tokens: tokens.size })
    } catch (error) {
      // Tried again at each check: a revocation must not be lost because files ran out.
      logFailure(`${file} cannot be read, so the earlier tokens stay valid: ${(error as Error).message}`, {
        level: 'error',
      })
    }
  }
  const isExpired = ({ expiresAt }: StoredToken): boolean => expiresAt !== undefined && Date.parse(expiresAt) <= now()
  const findById = (id: string): StoredToken | undefined => {
    refresh()
    const token = tokens.get(id)?.token
    return token === undefined || isExpired(token) ? undefined : token
  }
  return {
    find: (text) => {
      const id = parseTokenId(text) ?? ''
      // A token may be used the moment that it was created.
      if (id !== '' && findById(id) === undefined) refresh(true)
      const token = findById(id)
      const expected = (token && tokens.get(token.id)?.hash) ?? NO_HASH
      return timingSafeEqual(hashToken(text), expected) ? token : undefined
    },
    findById,
    exists: () => {
      refresh()
      return state !== ''
    },
  }
}

type Indexed = ReadonlyMap<string, { readonly token: StoredToken; readonly hash: Buffer }>

function index(tokens: readonly StoredToken[]): Indexed {
  return new Map(tokens.map((token) => [token.id, { token, hash: Buffer.from(token.hash, 'hex') }]))
}
