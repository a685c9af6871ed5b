/** Below it, memory is V8's to collect: small requests cost more in other ways. */
const SMALL_BYTES = 64 * 1024

/** Sizes between one power of two and the next. */
const STEPS = 4

/**
 * A piece may be so much larger than what is asked for: bodies and the rows they become share
 * theirs.
 */
const LARGER_AT_MOST = 1.5

/** Kept for the next ones; beyond it the sizes asked for longest ago go first. */
const FREE_AT_MOST = 32 * 1024 * 1024

/** By size, the one taken or given back last at the end. */
const free = new Map<number, ArrayBuffer[]>()
const lent = new WeakSet<ArrayBufferLike>()
let freeBytes = 0

/**
 * Memory that was given back, or new: rows of requests live until they are stored, half a kilobyte
 * a span. As garbage they would double what the receiver takes, and fresh pages for each request
 * cost the kernel 0.1 us a span.
 *
 * Its bytes are anything. Who doesn't give it back leaves it to V8.
 */
export function takeMemory(length: number): Buffer {
  if (length < SMALL_BYTES) return Buffer.allocUnsafeSlow(length)
  const size = sizeFor(length)
  const memory = freeOf(size) ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer)
  lent.add(memory)
  return Buffer.from(memory, 0, length)
}

/**
 * Of views of memory that was taken: nobody may read them any more, no other thread either. What
 * wasn't taken here, or is given a second time, is left alone.
 */
export function giveMemory(views: Iterable<Uint8Array>): void {
  for (const { buffer } of views) {
    if (!lent.delete(buffer)) continue
    ofSize(buffer.byteLength).push(buffer as ArrayBuffer)
    freeBytes += buffer.byteLength
  }
  for (const [size, pieces] of free) {
    while (freeBytes > FREE_AT_MOST && pieces.length > 0) {
      release(pieces.pop() as ArrayBuffer)
      freeBytes -= size
    }
    if (pieces.length === 0) free.delete(size)
  }
}

/** Gives what is free back to the system. */
export function dropFreeMemory(): void {
  for (const pieces of free.values()) pieces.forEach(release)
  free.clear()
  freeBytes = 0
}

/** At once, where garbage would stay until it is collected. */
function release(memory: ArrayBuffer): void {
  memory.transfer(0)
}

function freeOf(size: number): ArrayBuffer | undefined {
  const sizes = [...free.keys()].filter((one) => one >= size && one <= size * LARGER_AT_MOST)
  if (sizes.length === 0) return undefined
  const best = Math.min(...sizes)
  const pieces = ofSize(best)
  const memory = pieces.pop()
  if (pieces.length === 0) free.delete(best)
  freeBytes -= best
  return memory
}

function ofSize(size: number): ArrayBuffer[] {
  const pieces = free.get(size) ?? []
  free.delete(size)
  free.set(size, pieces)
  return pieces
}

function sizeFor(length: number): number {
  const step = 2 ** Math.floor(Math.log2(length)) / STEPS
  return Math.ceil(length / step) * step
}
