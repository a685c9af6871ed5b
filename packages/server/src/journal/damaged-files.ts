import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listSegmentFiles } from './insert-progress.ts'
import type { SealedSegment } from './segment.ts'

const NOTE = '.json'

/**
 * Keeps the file of a damaged segment whose readable rows, if any, are stored, and records its
 * number of unreadable bytes.
 */
export async function keepDamaged(journalDirectory: string, segment: SealedSegment, bytes: number): Promise<void> {
  const directory = getDamagedDirectory(journalDirectory)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(join(directory, segment.id + NOTE), JSON.stringify({ unreadableBytes: bytes }), { mode: 0o600 })
  await segment.moveTo(directory)
}

/** Returns the total of unreadable bytes in all kept files. */
export async function countUnreadableBytes(journalDirectory: string): Promise<number> {
  const directory = getDamagedDirectory(journalDirectory)
  const kept = await listSegmentFiles(directory)
  const counts = await Promise.all(kept.map(({ id }) => readCount(join(directory, id + NOTE))))
  return counts.reduce((sum, count) => sum + count, 0)
}

function getDamagedDirectory(journalDirectory: string): string {
  return join(journalDirectory, 'damaged')
}

/**
 * Returns 0 when the note is missing or invalid: a bad note must not keep the server from starting.
 */
async function readCount(path: string): Promise<number> {
  try {
    const { unreadableBytes } = JSON.parse(await readFile(path, 'utf8')) as { readonly unreadableBytes?: unknown }
    return Number.isSafeInteger(unreadableBytes) ? Math.max(0, unreadableBytes as number) : 0
  } catch {
    return 0
  }
}
