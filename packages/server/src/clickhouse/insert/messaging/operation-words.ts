import { messagingOperations, operationOfKind, operationWords } from './semconv.ts'

/** Numbers as in the enum of the tables. */
export const NONE = messagingOperations.indexOf('none')
export const RECEIVE = messagingOperations.indexOf('receive')
export const PROCESS = messagingOperations.indexOf('process')
export const SETTLE = messagingOperations.indexOf('settle')

type Word = { readonly letters: Buffer; readonly operation: number }

/** By length. */
const WORDS: (readonly Word[])[] = []
for (const [word, operation] of Object.entries(operationWords)) {
  WORDS[word.length] = [
    ...(WORDS[word.length] ?? []),
    { letters: Buffer.from(word), operation: messagingOperations.indexOf(operation) },
  ]
}
const LONGEST_WORD = WORDS.length - 1

/** The operation that the bytes are a word for, in capitals or not; else `NONE`. */
export function operationOfWord(bytes: Buffer, at: number, length: number): number {
  if (length > LONGEST_WORD) return NONE
  for (const { letters, operation } of WORDS[length] ?? []) if (isWord(letters, bytes, at)) return operation
  return NONE
}

function isWord(letters: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < letters.length; i++) {
    const byte = bytes[at + i] as number
    const small = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
    if (small !== letters[i]) return false
  }
  return true
}

const SPACE = 0x20

/**
 * By the first word of a span's name, else by the last: `send orders` since 1.27, `orders publish`
 * before.
 */
export function operationOfName(bytes: Buffer, at: number, length: number): number {
  const end = at + length
  let first = 0
  while (first < length && first <= LONGEST_WORD && bytes[at + first] !== SPACE) first++
  const byFirst = operationOfWord(bytes, at, first)
  if (byFirst !== NONE) return byFirst
  let last = 0
  while (last < length && last <= LONGEST_WORD && bytes[end - 1 - last] !== SPACE) last++
  return operationOfWord(bytes, end - last, last)
}

/** By number of the kind, as in the enum of the tables. */
const BY_KIND = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'].map((kind) =>
  messagingOperations.indexOf(operationOfKind[kind] ?? 'none'),
)

export function operationOfKindNumber(kind: number): number {
  return BY_KIND[kind] ?? NONE
}

const FIRST_MESSAGING_KIND = 3

/** Clients, producers and consumers: no other span is about messages. */
export function mayBeMessaging(kind: number): boolean {
  return kind >= FIRST_MESSAGING_KIND
}
