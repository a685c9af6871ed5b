import { getOriginKey } from '../core/propagation/message-origin.ts'
import type { ReceivedMessage } from '../core/source.ts'

// Messages that were counted with their batch are not counted again when processed one by one.
// Messages that share an origin key are kept as ranges of offsets: one entry each.

const alone = new WeakSet<object>()
const ranges = new WeakMap<object, { readonly from: number; readonly to: number }[]>()

export function isCounted(message: ReceivedMessage): boolean {
  const mark = getOriginKey(message)
  if (mark === message) return alone.has(message)
  const known = ranges.get(mark)
  if (known === undefined) return false
  const offset = Number(message.offset)
  return known.some(({ from, to }) => from <= offset && offset <= to)
}

/** Calls `count` for the messages that were not counted before. */
export function countOnce(
  messages: readonly ReceivedMessage[],
  count: (message: ReceivedMessage, index: number) => void,
): void {
  for (let begin = 0, end = 0; begin < messages.length; begin = end) {
    const first = messages[begin]!
    const mark = getOriginKey(first)
    end = begin + 1
    if (mark === first) {
      if (alone.has(first)) continue
      alone.add(first)
      count(first, begin)
      continue
    }
    while (end < messages.length && getOriginKey(messages[end]!) === mark) end += 1
    const known = ranges.get(mark)
    for (let i = begin; i < end; i += 1) if (known === undefined || !isCounted(messages[i]!)) count(messages[i]!, i)
    const range = { from: Number(first.offset), to: Number(messages[end - 1]!.offset) }
    if (known === undefined) ranges.set(mark, [range])
    else known.push(range)
  }
}
