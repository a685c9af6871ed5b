export type MemoryLimits = {
  /** What the engine may allocate; its code comes on top. */
  readonly engineBytes: number
  /** Bodies and rows of requests that aren't acknowledged yet. */
  readonly inFlightBytes: number
  /** Sealed segments kept in memory until they are inserted. */
  readonly journalBytes: number
  /** Where a segment is sealed: two fit into that memory, as two are inserted at a time. */
  readonly segmentBytes: number
  /** The largest insert: a request whose rows are more is stored in pieces. */
  readonly insertBytes: number
  /** Buffers of the receiver, live and garbage: beyond it garbage is collected. */
  readonly bufferBytes: number
}

const MiB = 2 ** 20

const DEFAULT_MEMORY_BYTES = 1024 * MiB

/** Of the engine's library and the process around it, resident under load. */
const ENGINE_CODE_BYTES = 220 * MiB

/** One request of the largest size has to fit, and small ones beside it. */
const MIN_IN_FLIGHT_BYTES = 72 * MiB

const ENGINE_SHARE = 0.55

/**
 * Of what ClickHouse may allocate, an insert takes 7 to 10 times its rows. Two of them and some
 * queries fit below 80 %, where it refuses statements.
 */
const ENGINE_BYTES_PER_INSERTED_BYTE = 24

/** The last request of a segment is beyond its size; a much larger one is split. */
const MAX_INSERT_PER_SEGMENT = 1.5

/** Of Node and the receiver's code, resident at any time, and V8's heap under load. */
const RECEIVER_CODE_BYTES = 200 * MiB

/** More than one request of the largest size, its rows, and what is being inserted. */
const MIN_BUFFER_BYTES = 160 * MiB

/** Parts of 50,000 spans at most: larger ones don't save merges. */
const MAX_SEGMENT_BYTES = 32 * MiB

/**
 * Divides what receiver and engine may take together. The receiver's part is for what is in flight,
 * the segments in memory, the columns they are turned into, and garbage of all three until V8
 * collects it: measured by bench/src/memory.ts.
 *
 * @param memoryBytes @default 1 GiB
 * @param engine where it is; one elsewhere has memory of its own, and the receiver has all of this
 */
export function divideMemory(
  memoryBytes: number = DEFAULT_MEMORY_BYTES,
  engine: 'embedded' | 'elsewhere' = 'embedded',
): MemoryLimits {
  const receiverBytes = engine === 'embedded' ? memoryBytes * (1 - ENGINE_SHARE) : memoryBytes
  const journalBytes = Math.floor(receiverBytes / 12)
  const engineBytes = engine === 'embedded' ? Math.floor(memoryBytes * ENGINE_SHARE) - ENGINE_CODE_BYTES : 0
  const insertable =
    engine === 'embedded' ? Math.floor(engineBytes / ENGINE_BYTES_PER_INSERTED_BYTE) : MAX_SEGMENT_BYTES
  const segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.floor(journalBytes * 0.4), insertable)
  return {
    engineBytes,
    inFlightBytes: Math.max(MIN_IN_FLIGHT_BYTES, Math.floor(receiverBytes / 7)),
    journalBytes,
    segmentBytes,
    insertBytes: MAX_INSERT_PER_SEGMENT * segmentBytes,
    bufferBytes: Math.max(MIN_BUFFER_BYTES, Math.floor(receiverBytes * 0.9) - RECEIVER_CODE_BYTES),
  }
}
