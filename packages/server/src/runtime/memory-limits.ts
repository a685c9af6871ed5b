export type MemoryLimits = {
  /** Limit of the engine's allocations, without its code. */
  readonly engineBytes: number
  /** Bodies and rows of requests that aren't acknowledged yet. */
  readonly inFlightBytes: number
  /** Sealed segments kept in memory until they are inserted. */
  readonly journalBytes: number
  /** Size at which a segment is sealed; `journalBytes` holds two, as two are inserted at a time. */
  readonly segmentBytes: number
  /** The largest insert; a larger segment is split. */
  readonly insertBytes: number
  /** Buffers of the receiver, live and garbage, above which garbage is collected. */
  readonly bufferBytes: number
}

const MiB = 2 ** 20

const DEFAULT_MEMORY_BYTES = 1024 * MiB

/** Resident memory of the engine's library and its process under load. */
const ENGINE_CODE_BYTES = 220 * MiB

/** Fits one request of the maximum size, and small ones beside it. */
const MIN_IN_FLIGHT_BYTES = 72 * MiB

const ENGINE_SHARE = 0.55

/**
 * An insert allocates 7 to 10 times its rows in ClickHouse. Two inserts and some queries fit below
 * 80 % of its limit, where it rejects statements.
 */
const ENGINE_BYTES_PER_INSERTED_BYTE = 24

/** The last request of a segment may exceed its size; a segment above this ratio is split. */
const MAX_INSERT_PER_SEGMENT = 1.5

/** Resident memory of Node and the receiver's code, and V8's heap under load. */
const RECEIVER_CODE_BYTES = 200 * MiB

/** Fits more than one request of the maximum size, its rows, and the rows being inserted. */
const MIN_BUFFER_BYTES = 160 * MiB

/** At most 50,000 spans a part: larger parts don't save merges. */
const MAX_SEGMENT_BYTES = 32 * MiB

/**
 * Divides the memory limit between receiver and engine. The receiver's share holds requests in
 * flight, segments in memory, their columns, and the garbage of all three until V8 collects it;
 * measured by bench/src/memory.ts.
 *
 * @param memoryBytes limit for both together, in bytes. @default 1 GiB
 * @param engine with a ClickHouse server elsewhere, the receiver gets the whole limit
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
