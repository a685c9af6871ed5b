import { limits } from './limits.ts'

/**
 * Widens a window to whole steps since 1970, as Tempo does (`AlignRequest`): the same question a moment later has the
 * same intervals, and none but the one in the making is cut.
 */
export function aligned(
  { start, end }: { readonly start: bigint; readonly end: bigint },
  step: bigint,
): { readonly start: bigint; readonly end: bigint } {
  const from = start - (start % step)
  const until = end + ((step - (end % step)) % step)
  // Widened, a window of as many steps as there may be would have one more.
  return (until - from) / step > BigInt(limits.points) ? { start, end } : { start: from, end: until }
}
