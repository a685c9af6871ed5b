/**
 * One line of pixels, each taken or free. Bars go in as half-open pixel ranges; a range that is
 * wholly taken says so, and is then not drawn: a hundred thousand spans become at most as many bars
 * as there are pixels. Words of 32 pixels keep a long bar cheap.
 */
export interface Coverage {
  /** Takes `from .. to - 1`; false when every pixel of it was taken before. */
  readonly take: (from: number, to: number) => boolean
  /** The taken ranges, merged, in order. */
  readonly runs: () => readonly (readonly [from: number, to: number])[]
}

export function createCoverage(width: number): Coverage {
  const words = new Uint32Array(Math.ceil(width / 32))
  return {
    take(from, to) {
      const first = Math.max(0, from)
      const last = Math.min(width, to) - 1
      if (last < first) return false
      let fresh = false
      for (let word = first >> 5; word <= last >> 5; word += 1) {
        const low = word === first >> 5 ? first & 31 : 0
        const high = word === last >> 5 ? last & 31 : 31
        const mask = ((0xffff_ffff >>> (31 - high)) & (0xffff_ffff << low)) >>> 0
        const before = words[word] ?? 0
        if ((before & mask) >>> 0 !== mask) {
          fresh = true
          words[word] = (before | mask) >>> 0
        }
      }
      return fresh
    },
    runs() {
      const runs: [number, number][] = []
      let open = -1
      for (let x = 0; x <= width; x += 1) {
        const taken = x < width && (((words[x >> 5] ?? 0) >>> (x & 31)) & 1) === 1
        if (taken && open < 0) open = x
        if (!taken && open >= 0) {
          runs.push([open, x])
          open = -1
        }
      }
      return runs
    },
  }
}
