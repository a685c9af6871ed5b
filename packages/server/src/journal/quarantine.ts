import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RowBatch } from '../otlp/rows.ts'
import { listSegmentFiles } from './insert-progress.ts'
import { type SealedSegment, writeSegment } from './segment.ts'

export type QuarantineDepth = {
  readonly segments: number
  readonly bytes: number
  /** Error of the newest segment, or '' if there is none. */
  readonly lastError: string
}

export type QuarantinedSegment = {
  readonly id: string
  readonly bytes: number
  readonly error: string
  /** ISO 8601. */
  readonly time: string
}

/**
 * Segments that ClickHouse rejects, each with its error in a file beside it. They are kept until a
 * user retries or deletes them.
 */
export class Quarantine {
  readonly #directory: string
  #segments = 0
  #bytes = 0
  #lastError = ''

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(journalDirectory: string): Promise<Quarantine> {
    const quarantine = new Quarantine(getQuarantineDirectory(journalDirectory))
    await quarantine.#count()
    return quarantine
  }

  getDepth(): QuarantineDepth {
    return { segments: this.#segments, bytes: this.#bytes, lastError: this.#lastError }
  }

  /** Writes rows of the segment under its id: their insert needs the same token. */
  async add({ id, progress }: SealedSegment, batches: readonly RowBatch[], error: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const note = { error, time: new Date().toISOString() }
    await writeFile(join(this.#directory, `${id}.json`), JSON.stringify(note), { mode: 0o600 })
    const { bytes } = await writeSegment(this.#directory, id, batches, progress)
    this.#segments++
    this.#bytes += bytes
    this.#lastError = error
  }

  /**
   * Moves segments that `retryQuarantined` released back to the journal's directory and returns
   * their file names.
   */
  async takeRetried(journalDirectory: string): Promise<string[]> {
    if (this.#segments === 0) return []
    const retried = join(this.#directory, RETRY)
    const names = (await listSegmentFiles(retried)).map(({ name }) => name)
    for (const name of names) await rename(join(retried, name), join(journalDirectory, name))
    if (names.length > 0) await this.#count()
    return names
  }

  /** Returns the ids of the quarantined segments. */
  async ids(): Promise<ReadonlySet<string>> {
    return new Set((await listSegmentFiles(this.#directory)).map(({ id }) => id))
  }

  async #count(): Promise<void> {
    const segments = await listSegments(this.#directory)
    const waiting = await listSegmentFiles(join(this.#directory, RETRY))
    this.#segments = segments.length + waiting.length
    this.#bytes = segments.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#lastError = segments.toSorted((a, b) => (a.time < b.time ? -1 : 1)).at(-1)?.error ?? ''
  }
}

/**
 * Directory in which the CLI leaves segments for the server, which checks it every 2 s and at its
 * start.
 */
const RETRY = 'retry'

/** Lists the quarantined segments. The server may be running or stopped. */
export async function listQuarantined(dataDir: string): Promise<QuarantinedSegment[]> {
  return await listSegments(getQuarantineDirectory(join(dataDir, 'journal')))
}

/** Hands segments to the server of the data directory for a retry, and returns their number. */
export async function retryQuarantined(dataDir: string, ids?: readonly string[]): Promise<number> {
  const directory = getQuarantineDirectory(join(dataDir, 'journal'))
  await mkdir(join(directory, RETRY), { recursive: true, mode: 0o700 })
  let retried = 0
  for (const { name, id } of await listSegmentFiles(directory)) {
    if (ids !== undefined && !ids.includes(id)) continue
    await rename(join(directory, name), join(directory, RETRY, name))
    await rm(join(directory, `${id}.json`), { force: true })
    retried++
  }
  return retried
}

function getQuarantineDirectory(journalDirectory: string): string {
  return join(journalDirectory, 'quarantine')
}

async function listSegments(directory: string): Promise<QuarantinedSegment[]> {
  return await Promise.all(
    (await listSegmentFiles(directory)).map(async ({ name, id }) => {
      const { size } = await stat(join(directory, name))
      return { id, bytes: size, ...(await readNote(join(directory, `${id}.json`))) }
    }),
  )
}

async function readNote(path: string): Promise<{ readonly error: string; readonly time: string }> {
  try {
    const { error, time } = JSON.parse(await readFile(path, 'utf8')) as {
      readonly error: unknown
      readonly time: unknown
    }
    return { error: String(error), time: String(time) }
  } catch {
    return { error: 'unknown', time: '' }
  }
}
