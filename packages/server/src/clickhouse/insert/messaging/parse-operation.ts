import { messagingOperations, operationByKind, operationAliases } from './semconv.ts'

/** Numbers of the tables' enum. */
export const NONE = messagingOperations.indexOf('none')
export const RECEIVE = messagingOperations.indexOf('receive')
export const PROCESS = messagingOperations.indexOf('process')
export const SETTLE = messagingOperations.indexOf('settle')

type Alias = { readonly bytes: Buffer; readonly operation: number }

const ALIASES_BY_LENGTH: Alias[][] = []
for (const [alias, operation] of Object.entries(operationAliases)) {
  ALIASES_BY_LENGTH[alias.length] ??= []
  ALIASES_BY_LENGTH[alias.length]?.push({
    bytes: Buffer.from(alias),
    operation: messagingOperations.indexOf(operation),
  })
}
const MAX_ALIAS_LENGTH = ALIASES_BY_LENGTH.length - 1

/** The operation with this alias, in any case; else `NONE`. */
export function parseOperation(bytes: Buffer, at: number, length: number): number {
  if (length > MAX_ALIAS_LENGTH) return NONE
  for (const alias of ALIASES_BY_LENGTH[length] ?? []) if (matches(alias.bytes, bytes, at)) return alias.operation
  return NONE
}

function matches(alias: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < alias.length; i++) {
    const byte = bytes[at + i] as number
    const lowerCase = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
    if (lowerCase !== alias[i]) return false
  }
  return true
}

const SPACE = 0x20

/** Reads the first word of a span name (`send orders`, since 1.27), else the last. */
export function parseSpanName(bytes: Buffer, at: number, length: number): number {
  const end = at + length
  let first = 0
  while (first < length && first <= MAX_ALIAS_LENGTH && bytes[at + first] !== SPACE) first++
  const byFirst = parseOperation(bytes, at, first)
  if (byFirst !== NONE) return byFirst
  let last = 0
  while (last < length && last <= MAX_ALIAS_LENGTH && bytes[end - 1 - last] !== SPACE) last++
  return parseOperation(bytes, end - last, last)
}

/** By the number of the kind in the tables' enum. */
const OPERATION_BY_KIND = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'].map((kind) =>
  messagingOperations.indexOf(operationByKind[kind] ?? 'none'),
)

export function toOperation(kind: number): number {
  return OPERATION_BY_KIND[kind] ?? NONE
}

const FIRST_MESSAGING_KIND = 3

/** Only clients, producers and consumers have messaging attributes. */
export function isMessagingKind(kind: number): boolean {
  return kind >= FIRST_MESSAGING_KIND
}
