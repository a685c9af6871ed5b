import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, truncate, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { releaseBuffers, acquireBuffer } from '../runtime/buffer-pool.ts'
import type { RowBatch } from '../otlp/rows.ts'
import { decodeFrames, encodeFrame, type Frames } from './frame.ts'
import { type InsertProgress, NOT_STARTED, parseSegmentFileName, formatSegmentFileName } from './insert-progress.ts'

/**
 * A segment closed for appends. Each table takes one insert, with the segment's id as its
 * deduplication token.
 */
export type SealedSegment = {
  /** Unique even if the clock is set back: ClickHouse drops an insert whose token it has seen. */
  readonly id: string
  readonly bytes: number
  readonly progress: InsertProgress
  /** Persists the progress in the file name, so that it survives a crash. */
  setProgress(progress: InsertProgress): Promise<void>
  /** Returns the frames from memory, or reads them from the file once. */
  load(): Promise<Frames>
  /** Size of the written rows that are still in memory. */
  memoryBytes(): number
  /** Returns the buffers to the pool. The result of `load` must no longer be in use. */
  releaseMemory(): void
  /** Removes the file, if it still exists. */
  remove(): Promise<void>
  /** Moves the file to another directory, which must exist. */
  moveTo(directory: string): Promise<void>
}

/**
 * The segment that takes appends: a file, and its frames in memory so that the insert need not read
 * the file.
 */
export class OpenSegment {
  readonly id: string
  /**
   * UTC day of `received` of its rows. A segment has rows of one partition only, so its insert is
   * one block.
   */
  readonly day: number
  readonly #path: string
  readonly #file: FileHandle
  readonly #batches: RowBatch[] = []
  #bytes = 0
  #rows = 0

  constructor(id: string, day: number, path: string, file: FileHandle) {
    this.id = id
    this.day = day
    this.#path = path
    this.#file = file
  }

  get bytes(): number {
    return this.#bytes
  }

  get rows(): number {
    return this.#rows
  }

  /**
   * Writes requests, each as a frame, in one call. With `sync`, they are on disk when it resolves.
   * On failure the file is truncated: a rejected request must not reappear after a crash.
   */
  async append(requests: readonly (readonly RowBatch[])[], sync: boolean): Promise<void> {
    const frames = requests.map((batches) => encodeFrame(batches, this.id))
    const length = frames.reduce((sum, frame) => sum + frame.length, 0)
    try {
      await writeAll(
        this.#file,
        frames.flatMap((frame) => frame.buffers),
        this.#bytes,
      )
      if (sync) await this.#file.datasync()
    } catch (error) {
      // If this fails too, the next append overwrites the bytes, and replay drops what it can't
      // decode.
      await this.#file.truncate(this.#bytes).catch(() => {})
      throw error
    }
    this.#bytes += length
    for (const batches of requests) {
      for (const batch of batches) {
        this.#batches.push(batch)
        this.#rows += batch.rows
      }
    }
  }

  async seal(): Promise<SealedSegment> {
    // Every byte was written before its ack, so the segment is complete even if closing fails.
    await this.#file.close().catch(() => {})
    return createSealedSegment(this.id, this.#path, this.#bytes, { written: this.#batches })
  }
}

export async function createSegment(directory: string, day: number, sync: boolean): Promise<OpenSegment> {
  const id = `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(8).toString('hex')}`
  const path = join(directory, formatSegmentFileName(id))
  const file = await open(path, 'wx', 0o600)
  // The directory holds the file name, so it has to be synced too.
  if (sync) await syncDirectory(directory)
  return new OpenSegment(id, day, path, file)
}

/**
 * Opens a segment of an earlier run by its file name.
 *
 * @param mayBeTorn whether the kill of that run may have cut its last write, which was not
 *   acknowledged then; otherwise an unfinished frame at the end counts as unreadable
 */
export function openSealedSegment(directory: string, name: string, bytes: number, mayBeTorn: boolean): SealedSegment {
  const { id, progress } = parseSegmentFileName(name) ?? { id: name, progress: NOT_STARTED }
  return createSealedSegment(id, join(directory, name), bytes, { progress, mayBeTorn })
}

/** Writes a complete segment. It is on disk when this resolves. */
export async function writeSegment(
  directory: string,
  id: string,
  batches: readonly RowBatch[],
  progress: InsertProgress = NOT_STARTED,
): Promise<SealedSegment> {
  const path = join(directory, formatSegmentFileName(id, progress))
  const { buffers, length } = encodeFrame(batches, id)
  const file = await open(path, 'w', 0o600)
  try {
    await writeAll(file, buffers, 0)
    await file.datasync()
  } finally {
    await file.close()
  }
  await syncDirectory(directory)
  return createSealedSegment(id, path, length, { progress })
}

function createSealedSegment(
  id: string,
  initialPath: string,
  bytes: number,
  state: { readonly written?: readonly RowBatch[]; readonly progress?: InsertProgress; readonly mayBeTorn?: boolean },
): SealedSegment {
  let path = initialPath
  let progress = state.progress ?? NOT_STARTED
  let inMemory = state.written
  let readBack: { readonly file: Buffer; readonly frames: Frames } | undefined
  return {
    id,
    bytes,
    get progress() {
      return progress
    },
    setProgress: async (next) => {
      const renamed = join(dirname(path), formatSegmentFileName(id, next))
      if (renamed !== path) {
        await rename(path, renamed).catch((error: NodeJS.ErrnoException) => {
          // The file was removed externally; its rows are still in memory.
          if (error.code !== 'ENOENT') throw error
        })
      }
      path = renamed
      progress = next
    },
    load: async () => {
      if (inMemory !== undefined) return { batches: inMemory, tornBytes: 0, unreadableBytes: 0 }
      if (readBack === undefined) {
        const file = await readFileIntoPool(path)
        const frames = decodeFrames(file, id)
        readBack = { file, frames: state.mayBeTorn === true ? frames : toUnreadable(frames) }
      }
      return readBack.frames
    },
    memoryBytes: () => (inMemory === undefined ? 0 : bytes),
    releaseMemory: () => {
      releaseBuffers(inMemory?.map((batch) => batch.bytes) ?? [])
      inMemory = undefined
      if (readBack !== undefined) releaseBuffers([readBack.file])
      readBack = undefined
    },
    remove: async () => {
      try {
        await unlink(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
        // An empty file is harmless at the next start. A full one would be inserted again after
        // ClickHouse dropped its token.
        await truncate(path, 0).catch(() => {
          throw error
        })
      }
    },
    moveTo: (directory) => rename(path, join(directory, formatSegmentFileName(id))),
  }
}

function toUnreadable(frames: Frames): Frames {
  const { tornBytes, unreadableBytes } = frames
  if (tornBytes === 0) return frames
  return { ...frames, tornBytes: 0, unreadableBytes: unreadableBytes + tornBytes, isCutOff: true }
}

/**
 * Reads into the buffer pool: otherwise each insert of a backlog would leave a segment of garbage.
 */
async function readFileIntoPool(path: string): Promise<Buffer> {
  const file = await open(path)
  let bytes: Buffer = Buffer.alloc(0)
  try {
    bytes = acquireBuffer((await file.stat()).size)
    let at = 0
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return bytes.subarray(0, at)
  } catch (error) {
    releaseBuffers([bytes])
    throw error
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, buffers: Uint8Array[], from: number): Promise<void> {
  let at = from
  let rest = buffers
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at)
    at += bytesWritten
    rest = dropBytes(rest, bytesWritten)
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Drops the first `length` bytes: `writev` may write only a part. */
function dropBytes(buffers: Uint8Array[], length: number): Uint8Array[] {
  let skip = length
  let first = 0
  while (first < buffers.length && skip >= (buffers[first] as Uint8Array).length) {
    skip -= (buffers[first] as Uint8Array).length
    first++
  }
  const rest = buffers.slice(first)
  if (rest[0] !== undefined && skip > 0) rest[0] = rest[0].subarray(skip)
  return rest
}
