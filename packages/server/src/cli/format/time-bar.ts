/** A time range on `width` columns. */
export type Axis = { readonly start: bigint; readonly end: bigint; readonly width: number }

type Timed = { readonly startTimeUnixNano: string; readonly endTimeUnixNano: string }

/** Returns the range from the first start to the last end; 0 to 0 without items. */
export function findTimeRange(items: readonly Timed[]): Pick<Axis, 'start' | 'end'> {
  const starts = items.map((item) => BigInt(item.startTimeUnixNano))
  const ends = items.map((item) => BigInt(item.endTimeUnixNano))
  return {
    start: starts.reduce((min, time) => (time < min ? time : min), starts[0] ?? 0n),
    end: ends.reduce((max, time) => (time > max ? time : max), ends[0] ?? 0n),
  }
}

/**
 * Draws `start` to `end` in half columns, at least one, dotted from `waitStart` on. The three parts
 * are painted differently.
 */
export function drawTimeBar(
  axis: Axis,
  start: bigint,
  end: bigint,
  waitStart?: bigint,
): readonly [before: string, bar: string, behind: string] {
  const from = Math.min(toHalfColumn(axis, start), axis.width * 2 - 1)
  const to = Math.max(toHalfColumn(axis, end), from + 1)
  const first = Math.floor(from / 2)
  const last = Math.ceil(to / 2)
  let bar = ''
  for (let column = first; column < last; column += 1) {
    const left = from <= column * 2
    const right = to >= column * 2 + 2
    bar += left && right ? '█' : left ? '▌' : '▐'
  }
  const waits = waitStart === undefined ? first : Math.min(first, Math.floor(toHalfColumn(axis, waitStart) / 2))
  return [' '.repeat(waits) + '┈'.repeat(first - waits), bar, ' '.repeat(Math.max(0, axis.width - last))]
}

function toHalfColumn(axis: Axis, time: bigint): number {
  const length = axis.end - axis.start
  if (length <= 0n) return 0
  const half = Number(((time - axis.start) * BigInt(axis.width * 2)) / length)
  return Math.max(0, Math.min(axis.width * 2, half))
}
