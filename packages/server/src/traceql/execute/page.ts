import { TraceQLError } from '../syntax/errors.ts'
import { limits } from './limits.ts'

/**
 * A place in the order in which a search finds traces: by the reach back from `anchor` that they
 * turn up in first, then newest first, then by id. Spans that come in later move nothing that lies
 * behind a place.
 */
export type Position = {
  /** Unix nanoseconds that reaches are counted back from. */
  readonly anchor: bigint
  readonly reach: number
  /** Start of the trace's newest span that a filter matches. */
  readonly newest: bigint
  readonly traceId: string
}

/** Told of a page that has fewer traces than asked for, and a next one. */
export const pageEnds = `This page ends after ${limits.candidateTraces} traces that could match: the next one goes on. A shorter time range or more conditions find sooner.`

export function cursorOf({ anchor, reach, newest, traceId }: Position): string {
  return `${anchor}-${reach}-${newest}-${traceId}`
}

/** @throws TraceQLError when the text is no cursor */
export function parseCursor(text: string): Position {
  const [, anchor = '', reach = '', newest = '', traceId = ''] =
    /^([0-9]{1,20})-([0-9]{1,2})-([0-9]{1,20})-([0-9a-f]{32})$/.exec(text) ?? []
  if (traceId === '' || BigInt(anchor) >= 2n ** 64n || BigInt(newest) >= 2n ** 64n) throw new StrangeCursor()
  return { anchor: BigInt(anchor), reach: Number(reach), newest: BigInt(newest), traceId }
}

/** Not one that an earlier answer to the same question gave. */
export class StrangeCursor extends TraceQLError {
  constructor() {
    super('limit', 'cursor is not one that an earlier answer gave: search anew.')
  }
}
