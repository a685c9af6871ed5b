import { messagingAttributeNames } from './semconv.ts'

/** By length. They differ near their ends, so they are compared from there. */
const NAMES_BY_LENGTH: Buffer[][] = []
for (const name of messagingAttributeNames) (NAMES_BY_LENGTH[name.length] ??= []).push(Buffer.from(name))

/** Whether these bytes are one of `messagingAttributeNames`. */
export function isMessagingAttribute(bytes: Buffer, at: number, length: number): boolean {
  const names = NAMES_BY_LENGTH[length]
  if (names === undefined) return false
  for (const name of names) if (matches(name, bytes, at)) return true
  return false
}

function matches(name: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = name.length - 1; i >= 0; i--) if (name[i] !== bytes[at + i]) return false
  return true
}
