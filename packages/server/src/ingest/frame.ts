import { crc32 } from 'node:zlib'
import type { RowTable } from '../store/store.ts'

/** Rows of one table within a frame, in RowBinary. */
export type Section = {
  readonly table: RowTable
  readonly rows: number
  readonly bytes: Uint8Array
}

/** What a segment file has. */
export type Frames = { readonly sections: readonly Section[]; readonly tornBytes: number }

/**
 * A request in a segment file. All numbers are UInt32, little-endian.
 *
 * | at        | bytes | what                                                |
 * |-----------|-------|-----------------------------------------------------|
 * | 0         | 4     | magic `SLJ1`                                        |
 * | 4         | 4     | CRC-32 of everything from 8 to the end of the frame |
 * | 8         | 4     | length of the whole frame                           |
 * | 12        | 4     | number of sections n                                |
 * | 16        | 12·n  | each: table (see TABLES), rows, bytes               |
 * | 16 + 12·n |       | the sections' bytes, one after the other            |
 */
const MAGIC = 0x314a4c53
const HEAD = 16
const SECTION_HEAD = 12

/** A table's number is its place here, for good: segments outlive the program that wrote them. */
const TABLES: readonly RowTable[] = ['sources', 'span_links', 'spans', 'logs', 'metric_series', 'metric_points']

/** The frame as buffers to write one after the other; the rows are not copied. */
export function encodeFrame(sections: readonly Section[]): { readonly buffers: Uint8Array[]; readonly length: number } {
  const head = Buffer.allocUnsafe(HEAD + SECTION_HEAD * sections.length)
  let length = head.length
  sections.forEach((section, i) => {
    const at = HEAD + SECTION_HEAD * i
    head.writeUInt32LE(TABLES.indexOf(section.table), at)
    head.writeUInt32LE(section.rows, at + 4)
    head.writeUInt32LE(section.bytes.length, at + 8)
    length += section.bytes.length
  })
  head.writeUInt32LE(MAGIC, 0)
  head.writeUInt32LE(length, 8)
  head.writeUInt32LE(sections.length, 12)
  let crc = crc32(head.subarray(8))
  for (const section of sections) crc = crc32(section.bytes, crc)
  head.writeUInt32LE(crc, 4)
  return { buffers: [head, ...sections.map((section) => section.bytes)], length }
}

/**
 * All whole frames from the start of a segment. What follows the first broken one is torn: it was being written when
 * the process died, so nobody has an ack for it. No frame is looked for behind it: the rows could imitate one.
 */
export function decodeFrames(file: Buffer): Frames {
  const sections: Section[] = []
  let at = 0
  while (at < file.length) {
    const frame = decodeFrame(file, at)
    if (frame === undefined) break
    sections.push(...frame.sections)
    at += frame.length
  }
  return { sections, tornBytes: file.length - at }
}

function decodeFrame(file: Buffer, at: number): { sections: Section[]; length: number } | undefined {
  if (file.length - at < HEAD || file.readUInt32LE(at) !== MAGIC) return undefined
  const length = file.readUInt32LE(at + 8)
  const count = file.readUInt32LE(at + 12)
  if (length > file.length - at || HEAD + SECTION_HEAD * count > length) return undefined
  if (crc32(file.subarray(at + 8, at + length)) !== file.readUInt32LE(at + 4)) return undefined
  const sections: Section[] = []
  let bytesAt = at + HEAD + SECTION_HEAD * count
  for (let i = 0; i < count; i++) {
    const head = at + HEAD + SECTION_HEAD * i
    const table = TABLES[file.readUInt32LE(head)]
    const size = file.readUInt32LE(head + 8)
    if (table === undefined || size > at + length - bytesAt) return undefined
    sections.push({ table, rows: file.readUInt32LE(head + 4), bytes: file.subarray(bytesAt, bytesAt + size) })
    bytesAt += size
  }
  return { sections, length }
}
