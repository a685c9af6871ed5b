import { rm, stat } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { listSegmentFiles } from './insert-progress.ts'
import { openSealedSegment, type SealedSegment } from './segment.ts'

/**
 * Returns the segments of an earlier run, oldest first; before them those whose rows may be stored:
 * ClickHouse forgets their tokens after `non_replicated_deduplication_window` inserts. Removes the
 * files of an interrupted split or quarantine.
 *
 * @param quarantined ids of segments whose rows are in quarantine
 * @param fsync whether only writes on disk were acknowledged
 */
export async function recoverSegments(
  directory: string,
  quarantined: ReadonlySet<string>,
  fsync: boolean,
): Promise<SealedSegment[]> {
  const found = await listSegmentFiles(directory)
  const ids = new Set(found.map(({ id }) => id))
  // The read of a file without attributes fails too, and then reports the error.
  const files = await Promise.all(
    found.map(async (file) => {
      const { size, mtimeMs } = await stat(join(directory, file.name)).catch(() => ({ size: 0, mtimeMs: 0 }))
      return { ...file, size, mtimeMs }
    }),
  )
  const newest = files.at(-1)?.id
  const bootTime = Date.now() - uptime() * 1000
  // Inserts, and so progress in the name, start once a segment is sealed; pieces are written whole.
  // A kill cuts only the last write. A power failure also cuts acknowledged writes without fsync.
  const mayBeTorn = ({ id, name, mtimeMs }: (typeof files)[number]): boolean =>
    id === newest && !name.includes('@') && splitSegmentId(id) === '' && (fsync || mtimeMs > bootTime)
  const segments: SealedSegment[] = []
  for (const file of files) {
    const { name, id, size } = file
    // A crash interrupted the split of the parent segment before any piece was inserted, or the
    // move to quarantine.
    if (ids.has(splitSegmentId(id)) || quarantined.has(id)) await rm(join(directory, name))
    else segments.push(openSealedSegment(directory, name, size, mayBeTorn(file)))
  }
  return segments.toSorted((a, b) => Number(b.progress.mayBeStored) - Number(a.progress.mayBeStored))
}

/** Separates a segment's id from the number of its piece. */
const PIECE_SEPARATOR = '.'

export function createPieceId(segmentId: string, at: number): string {
  return segmentId + PIECE_SEPARATOR + String(at).padStart(4, '0')
}

/** Returns the id of the segment that this one was split from, or ''. */
function splitSegmentId(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf(PIECE_SEPARATOR)))
}

/** Returns the id of the sealed segment that this one is, or that it is a piece of. */
export function getRootId(segmentId: string): string {
  return segmentId.split(PIECE_SEPARATOR, 1)[0] as string
}
