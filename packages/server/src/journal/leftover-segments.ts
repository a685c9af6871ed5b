import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { leftoverSegment, type SealedSegment, SUFFIX } from './segment.ts'

/** The segments of an earlier run, oldest first. */
export async function findLeftovers(directory: string): Promise<SealedSegment[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(SUFFIX)).sort()
  const ids = new Set(names.map((name) => name.slice(0, -SUFFIX.length)))
  const files = await Promise.all(names.map(async (name) => ({ name, ...(await stat(join(directory, name))) })))
  const newest = Math.max(...files.map((file) => file.mtimeMs))
  const segments: SealedSegment[] = []
  for (const { name, size, mtimeMs } of files) {
    // The splitting of its segment did not end: none of the pieces was inserted.
    if (ids.has(splitFrom(name))) await rm(join(directory, name))
    else segments.push(leftoverSegment(directory, name, size, mtimeMs === newest))
  }
  return segments
}

/** Between a segment's id and the number of a piece of it. */
const PIECE = '.'

export function pieceId(segmentId: string, at: number): string {
  return segmentId + PIECE + String(at).padStart(4, '0')
}

/** The id of the segment that the one of this file is a piece of; '' = of none. */
function splitFrom(name: string): string {
  const id = name.slice(0, -SUFFIX.length)
  return id.slice(0, Math.max(0, id.lastIndexOf(PIECE)))
}
