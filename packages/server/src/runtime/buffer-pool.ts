/** Smaller buffers are left to V8: other costs of small requests dominate. */
const MIN_POOLED_BYTES = 64 * 1024

/** Size classes between two powers of two. */
const SIZES_PER_POWER = 4

/** A reused buffer may be this much larger than requested: bodies and rows share buffers. */
const MAX_SIZE_RATIO = 1.5

/** Free buffers kept in the pool; beyond it the least recently used sizes are freed first. */
const MAX_FREE_BYTES = 32 * 1024 * 1024

/** Free buffers by size, the most recently used size last. */
const free = new Map<number, ArrayBuffer[]>()
const acquired = new WeakSet<ArrayBufferLike>()
let freeBytes = 0

/**
 * Returns a pooled or new buffer with uninitialized content. Without a pool, rows (0.5 KB a span,
 * kept until they are stored) would be garbage that doubles the receiver's memory, and fresh pages
 * would cost 0.1 us of kernel time a span.
 *
 * A buffer that isn't released is collected by V8.
 */
export function acquireBuffer(length: number): Buffer {
  if (length < MIN_POOLED_BYTES) return Buffer.allocUnsafeSlow(length)
  const size = roundUpSize(length)
  const memory = takeFreeBuffer(size) ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer)
  acquired.add(memory)
  return Buffer.from(memory, 0, length)
}

/**
 * Returns buffers to the pool, by any view of them. After that no thread may read them. Ignores
 * buffers that aren't from `acquireBuffer` or are released already.
 */
export function releaseBuffers(views: Iterable<Uint8Array>): void {
  for (const { buffer } of views) {
    if (!acquired.delete(buffer)) continue
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

/** Frees all pooled buffers. */
export function clearBufferPool(): void {
  for (const pieces of free.values()) pieces.forEach(detach)
  free.clear()
  freeBytes = 0
}

/** Frees the memory at once instead of at the next garbage collection. */
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
