/** Below it, memory is V8's to collect: small requests cost more in other ways. */
const MIN_POOLED_BYTES = 64 * 1024

/** Sizes between one power of two and the next. */
const SIZES_PER_POWER = 4

/**
 * A piece may be so much larger than what is asked for: bodies and the rows they become share
 * theirs.
 */
const MAX_SIZE_RATIO = 1.5

/** Kept for the next ones; beyond it the sizes asked for longest ago go first. */
const MAX_FREE_BYTES = 32 * 1024 * 1024

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
export function acquireBuffer(length: number): Buffer {
  if (length < MIN_POOLED_BYTES) return Buffer.allocUnsafeSlow(length)
  const size = roundUpSize(length)
  const memory = takeFreeBuffer(size) ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer)
  lent.add(memory)
  return Buffer.from(memory, 0, length)
}

/**
 * Of views of memory that was taken: nobody may read them any more, no other thread either. What
 * wasn't taken here, or is given a second time, is left alone.
 */
export function releaseBuffers(views: Iterable<Uint8Array>): void {
  for (const { buffer } of views) {
    if (!lent.delete(buffer)) continue
    getFreeList(buffer.byteLength).push(buffer as ArrayBuffer)
    freeBytes += buffer.byteLength
  }
  for (const [size, pieces] of free) {
    while (freeBytes > MAX_FREE_BYTES && pieces.length > 0) {
      detach(pieces.pop() as ArrayBuffer)
      freeBytes -= size
    }
    if (pieces.length === 0) free.delete(size)
  }
}

/** Gives what is free back to the system. */
export function clearBufferPool(): void {
  for (const pieces of free.values()) pieces.forEach(detach)
  free.clear()
  freeBytes = 0
}

/** At once, where garbage would stay until it is collected. */
function detach(memory: ArrayBuffer): void {
  memory.transfer(0)
}

function takeFreeBuffer(size: number): ArrayBuffer | undefined {
  const sizes = [...free.keys()].filter((one) => one >= size && one <= size * MAX_SIZE_RATIO)
  if (sizes.length === 0) return undefined
  const best = Math.min(...sizes)
  const pieces = getFreeList(best)
  const memory = pieces.pop()
  if (pieces.length === 0) free.delete(best)
  freeBytes -= best
  return memory
}

function getFreeList(size: number): ArrayBuffer[] {
  const pieces = free.get(size) ?? []
  free.delete(size)
  free.set(size, pieces)
  return pieces
}

function roundUpSize(length: number): number {
  const step = 2 ** Math.floor(Math.log2(length)) / SIZES_PER_POWER
  return Math.ceil(length / step) * step
}
