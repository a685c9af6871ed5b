export type MemoryShares = {
  /** What the engine may allocate; its code comes on top. */
  readonly engineBytes: number
  /** Bodies and rows of requests that aren't acknowledged yet. */
  readonly inFlightBytes: number
  /** Sealed segments kept in memory until they are inserted. */
  readonly journalBytes: number
}

const MiB = 2 ** 20

const DEFAULT_MEMORY = 1024 * MiB

/** Of the engine's library and the process around it, resident under load. */
const ENGINE_CODE = 220 * MiB

/** One request of the largest size has to fit, and small ones beside it. */
const LEAST_IN_FLIGHT = 72 * MiB

const ENGINE_SHARE = 0.58

/**
 * Divides what receiver and engine may take together. The receiver's part is for what is in flight, the segments in memory, the
 * columns they are turned into, and garbage of all three until V8 collects it: measured by bench/src/memory.ts.
 *
 * @param memoryBytes @default 1 GiB
 * @param engine where it is; one elsewhere has memory of its own, and the receiver has all of this
 */
export function memoryShares(
  memoryBytes: number = DEFAULT_MEMORY,
  engine: 'embedded' | 'elsewhere' = 'embedded',
): MemoryShares {
  const receiverBytes = engine === 'embedded' ? memoryBytes * (1 - ENGINE_SHARE) : memoryBytes
  return {
    engineBytes: engine === 'embedded' ? Math.floor(memoryBytes * ENGINE_SHARE) - ENGINE_CODE : 0,
    inFlightBytes: Math.max(LEAST_IN_FLIGHT, Math.floor(receiverBytes / 5)),
    journalBytes: Math.floor(receiverBytes / 10),
  }
}
