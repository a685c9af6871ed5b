import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, truncate, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { releaseBuffers, acquireBuffer } from '../runtime/buffer-pool.ts'
import { decodeFrames, encodeFrame, type Frames, type RowBatch } from './frame.ts'
import { type InsertProgress, NOT_STARTED, parseSegmentFileName, segmentFileName } from './insert-progress.ts'

/** A segment that is closed for appends: one insert per table, under its id as token. */
export type SealedSegment = {
  /** Never given twice, whatever the clock does: the store drops rows whose token it has seen. */
  readonly id: string
  readonly bytes: number
  readonly progress: InsertProgress
  /** Remembers it across a crash. */
  setProgress(progress: InsertProgress): Promise<void>
  /** From memory while it is there, else from the file, once. */
  load(): Promise<Frames>
  /** Memory it holds of what was written. */
  memoryBytes(): number
  /** Gives that up, for rows of others: not while somebody has what `load` gave. */
  releaseMemory(): void
  /** Its rows are in the store: removes the file. */
  remove(): Promise<void>
  /** Moves the file to another directory. */
  moveTo(directory: string): Promise<void>
}

/**
 * The segment that takes appends: a file, and its frames in memory, so that the insert needs no
 * reading.
 */
export class OpenSegment {
  readonly id: string
  /**
   * UTC day of its rows' `received`: a segment stays within one partition, so its insert is one
   * block.
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
   * Writes requests, each a frame, in one call; with `sync` they have reached the disk. When that
   * fails the file is cut back to what it was: a request that was refused must not come back after
   * a crash.
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
      // Should that fail too, the next append still overwrites it, and what it can't replay it
      // cuts.
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
    // Every byte was written before its ack; whatever closing says, the segment is whole.
    await this.#file.close().catch(() => {})
    return createSealedSegment(this.id, this.#path, this.#bytes, { written: this.#batches })
  }
}

export async function createSegment(directory: string, day: number, sync: boolean): Promise<OpenSegment> {
  const id = `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(8).toString('hex')}`
  const path = join(directory, segmentFileName(id))
  const file = await open(path, 'wx', 0o600)
  // The file's name is in the directory, which has to reach the disk too.
  if (sync) await syncDirectory(directory)
  return new OpenSegment(id, day, path, file)
}

/**
 * A segment of an earlier run, by its file's name.
 *
 * @param mayBeTorn it was being written when that run ended: only then is an unfinished frame at
 *   its end no loss
 */
export function openSealedSegment(directory: string, name: string, bytes: number, mayBeTorn: boolean): SealedSegment {
  const { id, progress } = parseSegmentFileName(name) ?? { id: name, progress: NOT_STARTED }
  return createSealedSegment(id, join(directory, name), bytes, { progress, mayBeTorn })
}

/** Writes a whole segment, on disk when this resolves. */
export async function writeSegment(
  directory: string,
  id: string,
  batches: readonly RowBatch[],
  progress: InsertProgress = NOT_STARTED,
): Promise<SealedSegment> {
  const path = join(directory, segmentFileName(id, progress))
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
      const renamed = join(dirname(path), segmentFileName(id, next))
      if (renamed !== path) {
        await rename(path, renamed).catch((error: NodeJS.ErrnoException) => {
          // Somebody removed the file; its rows are in memory.
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
        const { tornBytes, unreadableBytes } = frames
        const lost = { tornBytes: 0, unreadableBytes: unreadableBytes + tornBytes }
        readBack = { file, frames: state.mayBeTorn === true ? frames : { ...frames, ...lost } }
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
        // Empty, it does no harm at the next start; full, it would be inserted again once the store
        // forgot its token.
        await truncate(path, 0).catch(() => {
          throw error
        })
      }
    },
    moveTo: async (directory) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await rename(path, join(directory, segmentFileName(id)))
    },
  }
}

/** Into row memory: of a backlog, each insert would otherwise leave a segment of garbage. */
async function readFileIntoPool(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const bytes = acquireBuffer((await file.stat()).size)
    let at = 0
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return bytes.subarray(0, at)
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

/** What is left after the first `length` bytes: a write may take only a part. */
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
