import { crc32 } from 'node:zlib'
import { rowTables } from '../clickhouse/tables.ts'
import type { RowBatch } from '../otlp/rows.ts'

/** Decoded contents of a segment file. */
export type Frames = {
  readonly batches: readonly RowBatch[]
  /** Bytes after the last frame: the start of a frame whose write did not finish. */
  readonly tornBytes: number
  /** Bytes that belong to no readable frame and are not torn. Their rows are lost. */
  readonly unreadableBytes: number
  /** Whether the file ends inside a frame, in bytes that are not torn. @default false */
  readonly isCutOff?: boolean
}

/**
 * A request in a segment file. All numbers are UInt32, little-endian. Each CRC-32 is seeded with
 * that of the segment's id, which clients don't know, so rows can't imitate a frame.
 *
 * | at        | bytes | what                                                        |
 * |-----------|-------|-------------------------------------------------------------|
 * | 0         | 4     | magic `SLJ4`                                                |
 * | 4         | 4     | CRC-32 of the 12 bytes from 8                               |
 * | 8         | 4     | length of the whole frame                                   |
 * | 12        | 4     | number of batches n                                         |
 * | 16        | 4     | CRC-32 of everything from 20 to the end of the frame        |
 * | 20        | 12·n  | for each batch: table (index in rowTables), rows, bytes     |
 * | 20 + 12·n |       | the bytes of the batches, in order                          |
 */
const MAGIC = Buffer.from('SLJ4')
const FRAME_HEADER_BYTES = 20
const BATCH_HEADER_BYTES = 12

/** Encodes a frame as buffers to write in order. Row buffers are not copied. */
export function encodeFrame(
  batches: readonly RowBatch[],
  segmentId: string,
): { readonly buffers: Uint8Array[]; readonly length: number } {
  const seed = crc32(segmentId)
  const head = Buffer.allocUnsafe(FRAME_HEADER_BYTES + BATCH_HEADER_BYTES * batches.length)
  let length = head.length
  batches.forEach((batch, i) => {
    const at = FRAME_HEADER_BYTES + BATCH_HEADER_BYTES * i
    head.writeUInt32LE(rowTables.indexOf(batch.table), at)
    head.writeUInt32LE(batch.rows, at + 4)
    head.writeUInt32LE(batch.bytes.length, at + 8)
    length += batch.bytes.length
  })
  MAGIC.copy(head)
  head.writeUInt32LE(length, 8)
  head.writeUInt32LE(batches.length, 12)
  let crc = crc32(head.subarray(FRAME_HEADER_BYTES), seed)
  for (const batch of batches) crc = crc32(batch.bytes, crc)
  head.writeUInt32LE(crc, 16)
  head.writeUInt32LE(crc32(head.subarray(8, FRAME_HEADER_BYTES), seed), 4)
  return { buffers: [head, ...batches.map((batch) => batch.bytes)], length }
}

/** Decodes all intact frames of a segment, including those after damaged bytes. */
export function decodeFrames(file: Buffer, segmentId: string): Frames {
  const seed = crc32(segmentId)
  const batches: RowBatch[] = []
  let unreadableBytes = 0
  let at = 0
  while (at < file.length) {
    const head = readHead(file, at, seed)
    const end = head === undefined ? undefined : at + head.length
    if (head === undefined && isCutOff(file, at)) break
    if (end !== undefined && end > file.length) break
    const frame = head === undefined ? undefined : readRowBatches(file, at, head, seed)
    if (frame !== undefined) batches.push(...frame)
    const next = end ?? findHead(file, at + 1, seed)
    if (frame === undefined) unreadableBytes += next - at
    at = next
  }
  return { batches, tornBytes: file.length - at, unreadableBytes }
}

type Head = { readonly length: number; readonly count: number; readonly crc: number }

/** Returns undefined if no frame starts at `at`. */
function readHead(file: Buffer, at: number, seed: number): Head | undefined {
  if (file.length - at < FRAME_HEADER_BYTES || MAGIC.compare(file, at, at + MAGIC.length) !== 0) return undefined
  if (crc32(file.subarray(at + 8, at + FRAME_HEADER_BYTES), seed) !== file.readUInt32LE(at + 4)) return undefined
  const length = file.readUInt32LE(at + 8)
  if (length < FRAME_HEADER_BYTES) return undefined
  return { length, count: file.readUInt32LE(at + 12), crc: file.readUInt32LE(at + 16) }
}

/** Whether the file ends inside a frame header whose bytes so far are valid. */
function isCutOff(file: Buffer, at: number): boolean {
  const rest = Math.min(file.length - at, MAGIC.length)
  return file.length - at < FRAME_HEADER_BYTES && MAGIC.compare(file, at, at + rest, 0, rest) === 0
}

/** Returns the position of the next frame, or the end of the file. */
function findHead(file: Buffer, from: number, seed: number): number {
  let at = file.indexOf(MAGIC, from)
  while (at >= 0 && readHead(file, at, seed) === undefined) at = file.indexOf(MAGIC, at + 1)
  return at < 0 ? file.length : at
}

/** Returns undefined if the frame is damaged. */
function readRowBatches(file: Buffer, at: number, { length, count, crc }: Head, seed: number): RowBatch[] | undefined {
  if (FRAME_HEADER_BYTES + BATCH_HEADER_BYTES * count > length) return undefined
  if (crc32(file.subarray(at + FRAME_HEADER_BYTES, at + length), seed) !== crc) return undefined
  const batches: RowBatch[] = []
  let bytesAt = at + FRAME_HEADER_BYTES + BATCH_HEADER_BYTES * count
  for (let i = 0; i < count; i++) {
    const head = at + FRAME_HEADER_BYTES + BATCH_HEADER_BYTES * i
    const table = rowTables[file.readUInt32LE(head)]
    const size = file.readUInt32LE(head + 8)
    if (table === undefined || size > at + length - bytesAt) return undefined
    batches.push({ table, rows: file.readUInt32LE(head + 4), bytes: file.subarray(bytesAt, bytesAt + size) })
    bytesAt += size
  }
  return batches
}
