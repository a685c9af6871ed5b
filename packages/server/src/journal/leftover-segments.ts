import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSegmentFileName } from './insert-progress.ts'
import { openSealedSegment, type SealedSegment } from './segment.ts'

/**
 * Finds the segments of an earlier run, oldest first; before them those whose rows may be stored:
 * ClickHouse forgets their tokens after `non_replicated_deduplication_window` inserts.
 *
 * @param quarantined ids of segments whose rows are in quarantine
 */
export async function findUninsertedSegments(
  directory: string,
  quarantined: ReadonlySet<string>,
): Promise<SealedSegment[]> {
  const found = (await readdir(directory)).sort().flatMap((name) => {
    const id = parseSegmentFileName(name)?.id
    return id === undefined ? [] : [{ name, id }]
  })
  const ids = new Set(found.map(({ id }) => id))
  const files = await Promise.all(found.map(async (file) => ({ ...file, ...(await stat(join(directory, file.name))) })))
  const newest = files.at(-1)?.id
  // Inserts, and so progress in the name, start once a segment is sealed; pieces are written whole.
  const mayBeOpen = ({ id, name }: (typeof files)[number]): boolean =>
    id === newest && !name.includes('@') && splitSegmentId(id) === ''
  const segments: SealedSegment[] = []
  for (const file of files) {
    const { name, id, size } = file
    // A crash interrupted the split of the parent segment before any piece was inserted, or the
    // move to quarantine.
    if (ids.has(splitSegmentId(id)) || quarantined.has(id)) await rm(join(directory, name))
    else segments.push(openSealedSegment(directory, name, size, mayBeOpen(file)))
  }
  return segments.toSorted((a, b) => Number(b.progress.mayBeStored) - Number(a.progress.mayBeStored))
}

/** Separates a segment's id from the number of its piece. */
const PIECE = '.'

export function pieceId(segmentId: string, at: number): string {
  return segmentId + PIECE + String(at).padStart(4, '0')
}

/** Returns the id of the segment that this one was split from, or ''. */
function splitSegmentId(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf(PIECE)))
}
