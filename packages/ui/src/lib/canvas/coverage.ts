/**
 * A line of pixels, each free or taken. Bars are half-open pixel ranges; one that is wholly taken
 * is not drawn, so 100,000 spans become at most one bar per pixel. A bitmap of 32-bit words keeps
 * long bars cheap.
 */
export function createCoverage(width: number) {
  const words = new Uint32Array(Math.ceil(width / 32))
  return {
    /** Marks `from .. to - 1` as taken; false if every pixel of it was taken before. */
    take(from: number, to: number): boolean {
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
    /** The taken ranges, merged, in order. */
    runs(): readonly (readonly [from: number, to: number])[] {
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
