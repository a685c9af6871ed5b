import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Role, roles } from '../../../access/roles.ts'
import {
  changeTokenFile,
  readTokenFileIfExists,
  type StoredToken,
  type TokenLimits,
} from '../../../access/tokens/token-file.ts'
import { createToken, hashToken } from '../../../access/tokens/token.ts'
import { sanitize } from '../../../sanitize.ts'
import { CommandError, exitCodes } from '../../api-client.ts'
import { type FlagValues, type Parser, UsageError } from '../../args.ts'
import { defineCommand, type Output } from '../../command.ts'
import { countParser, durationParser, sizeParser, textParser } from '../../parsers.ts'
import { accessFlags } from '../../serve/access-options.ts'
import { serveFlags } from '../../serve/serve-options.ts'

const rolesParser: Parser<readonly Role[]> = {
  expected: 'ingest, read or admin, or several separated by commas',
  parse: (text) => {
    const found = text.split(',').map((name) => roles.find((role) => role === name.trim()))
    return found.every((role) => role !== undefined) ? [...new Set(found)] : undefined
  },
}

const MAX_RATE = 999_999_999

const flags = {
  role: { value: 'LIST', parser: rolesParser, description: 'what the token may do; required by create' },
  name: { value: 'TEXT', parser: textParser, description: 'whom the token is for, shown in lists and audit lines' },
  expires: { value: 'DURATION', parser: durationParser, default: 'never', description: 'end of the token, from now' },
  'max-spans-per-second': {
    value: 'N',
    parser: countParser(MAX_RATE),
    default: 'no limit',
    description: 'limit of sent spans',
  },
  'max-bytes-per-second': {
    value: 'SIZE',
    parser: sizeParser,
    default: 'no limit',
    description: 'limit of sent bytes, decompressed',
  },
  'max-queries': {
    value: 'N',
    parser: countParser(MAX_RATE),
    default: 'no limit',
    description: 'queries that may run at the same time',
  },
  tokens: accessFlags.tokens,
  data: serveFlags.data,
  json: { description: 'print the list as JSON' },
} as const

export const tokenCommand = defineCommand({
  summary: 'creates, lists and revokes tokens for clients and users',
  description: `Creates, lists and revokes tokens. The file has hashes only: a token is shown once, by create, on stdout. A
running server uses changes within a second. Once the file exists, authentication is on.`,
  usage: ['token create --role LIST [options]', 'token list [options]', 'token revoke ID ... [options]'],
  notes: `  ingest   sends telemetry
  read     queries, pages and metrics of the server
  admin    everything, also deletes and backups`,
  positionals: { name: 'create, list or revoke', min: 0, max: Infinity },
  flags,
  run: async (values, [action, ...ids], out) => {
    const file = values.tokens ?? join(values.data ?? '.spanlink', 'tokens.json')
    if (action !== 'revoke' && ids.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(ids[0])}`)
    if (action === 'create') create(file, values, out)
    else if (action === 'list') list(file, values.json === true, out)
    else if (action === 'revoke') revoke(file, ids, out)
    else throw new UsageError(`invalid action ${JSON.stringify(action ?? '')}: expected create, list or revoke`)
    return 0
  },
})

type Values = FlagValues<typeof flags>

function create(file: string, values: Values, out: Output): void {
  const { role, name = '', expires } = values
  if (role === undefined) throw new UsageError('missing --role: expected ingest, read or admin')
  const { id, text } = createToken()
  const token: StoredToken = {
    id,
    name,
    roles: role,
    hash: hashToken(text).toString('hex'),
    createdAt: new Date().toISOString(),
    ...(expires === undefined ? {} : { expiresAt: new Date(Date.now() + expires * 1000).toISOString() }),
    ...toLimits(values),
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  change(file, (tokens) => [...tokens, token])
  out.note(`Created token ${id} (${role.join(', ')}) in ${file}. It is shown only now:`)
  out.line(text)
}

function toLimits(values: Values): { readonly limits?: TokenLimits } {
  const limits = {
    spansPerSecond: values['max-spans-per-second'],
    bytesPerSecond: values['max-bytes-per-second'],
    concurrentQueries: values['max-queries'],
  }
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined)
  return given.length === 0 ? {} : { limits: Object.fromEntries(given) as TokenLimits }
}

function list(file: string, isJson: boolean, out: Output): void {
  const tokens = read(file)
  if (isJson) return out.line(JSON.stringify({ tokens: tokens.map((token) => ({ ...token, hash: undefined })) }))
  if (tokens.length === 0) return out.line(`${file} has no tokens.`)
  for (const { id, name, roles: granted, createdAt, expiresAt, limits = {} } of tokens) {
    const facts = Object.entries(limits).map(([limit, value]) => `${limit} ${value}`)
    const end = expiresAt === undefined ? '' : `, ${isPast(expiresAt) ? 'expired' : 'expires'} ${expiresAt}`
    const details = [`created ${createdAt}${end}`, ...facts].join(', ')
    out.line(`${id}  ${granted.join(',').padEnd(11)}  ${sanitize(name)}${name === '' ? '' : '  '}${details}`)
  }
}

function isPast(time: string): boolean {
  return Date.parse(time) <= Date.now()
}

function revoke(file: string, ids: readonly string[], out: Output): void {
  if (ids.length === 0) throw new UsageError('missing argument ID')
  change(file, (tokens) => {
    const unknown = ids.find((id) => !tokens.some((token) => token.id === id))
    if (unknown !== undefined) throw new CommandError(exitCodes.notFound, `${file} has no token ${unknown}.`)
    return tokens.filter(({ id }) => !ids.includes(id))
  })
  out.line(`Revoked ${ids.join(', ')}.`)
}

function read(file: string): readonly StoredToken[] {
  try {
    return readTokenFileIfExists(file)
  } catch (error) {
    throw new CommandError(exitCodes.failed, `Cannot read ${file}: ${(error as Error).message}.`, error)
  }
}

function change(file: string, how: Parameters<typeof changeTokenFile>[1]): void {
  try {
    changeTokenFile(file, how)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(exitCodes.failed, `Cannot change ${file}: ${(error as Error).message}.`, error)
  }
}
