import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Extract, extract } from 'tar-stream'
import { BackupError, isFileName, MANIFEST, type Manifest, type ManifestFile, parseManifest } from './manifest.ts'

const MAX_FILES = 2_000_000
const MAX_MANIFEST_BYTES = 512 * 1024 * 1024

type Entry = Extract extends AsyncIterable<infer One> ? One : never

/** Called with the bytes of files read so far. */
export type OnProgress = (bytes: number) => void

/**
 * Reads the whole archive and verifies every file against the manifest. Writes nothing.
 *
 * @throws BackupError
 */
export async function verifyArchive(path: string, schemaVersion: number, onProgress: OnProgress): Promise<Manifest> {
  const found = new Map<string, ManifestFile>()
  let manifest: Manifest | undefined
  let bytes = 0
  await readEntries(path, async (entry) => {
    const { name, size } = entry.header
    if (manifest !== undefined) throw new BackupError('Files follow its manifest.')
    if (name === MANIFEST) {
      manifest = parseManifest(await readText(entry, size), schemaVersion)
      return
    }
    if (!isFileName(name) || found.has(name) || found.size === MAX_FILES) throw notABackup()
    const sha256 = await readFile(entry, (chunk) => onProgress((bytes += chunk.length)))
    found.set(name, { name, size, sha256 })
  })
  if (manifest === undefined) {
    throw found.size === 0 ? notABackup() : new BackupError('It is truncated: its manifest is missing.')
  }
  if (found.size !== manifest.files.length) throw new BackupError('It has other files than its manifest.')
  for (const file of manifest.files) checkFile(found.get(file.name), file)
  return manifest
}

/**
 * Writes the files of a verified archive below `directory`, and verifies them again.
 *
 * @throws BackupError
 */
export async function extractArchive(
  path: string,
  manifest: Manifest,
  directory: string,
  onProgress: OnProgress,
): Promise<void> {
  const files = new Map(manifest.files.map((file) => [file.name, file]))
  let bytes = 0
  await readEntries(path, async (entry) => {
    const { name, size } = entry.header
    const file = files.get(name)
    if (file === undefined || file.size !== size) {
      if (name !== MANIFEST) throw new BackupError('It changed while it was read.')
      await readFile(entry, () => {})
      return
    }
    const target = join(directory, name)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    const output = await open(target, 'wx', 0o600)
    try {
      const sha256 = await readFile(entry, async (chunk) => {
        await output.writeFile(chunk)
        onProgress((bytes += chunk.length))
      })
      checkFile({ name, size, sha256 }, file)
    } finally {
      await output.close()
    }
  })
}

/** Calls `read` for each regular file, which must read all of it. @throws BackupError for others */
async function readEntries(path: string, read: (entry: Entry) => Promise<void>): Promise<void> {
  const archive = extract()
  const input = createReadStream(path)
  input.on('error', (error) => archive.destroy(error))
  input.pipe(archive)
  try {
    for await (const entry of archive) {
      if (entry.header.type !== 'file') throw notABackup()
      await read(entry)
    }
  } catch (error) {
    // Of the file system.
    if (error instanceof BackupError || (error as NodeJS.ErrnoException).code !== undefined) throw error
    // Of tar-stream: an invalid header or an early end.
    throw /end of data/i.test((error as Error).message) ? new BackupError('It is truncated.') : notABackup()
  } finally {
    input.destroy()
  }
}

/** @returns the SHA-256 in hex */
async function readFile(entry: Entry, onChunk: (chunk: Buffer) => void | Promise<void>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    hash.update(chunk)
    await onChunk(chunk)
  }
  return hash.digest('hex')
}

async function readText(entry: Entry, size: number): Promise<string> {
  if (size > MAX_MANIFEST_BYTES) throw notABackup()
  const chunks: Buffer[] = []
  await readFile(entry, (chunk) => void chunks.push(chunk))
  return Buffer.concat(chunks).toString()
}

function checkFile(found: ManifestFile | undefined, expected: ManifestFile): void {
  if (found?.size === expected.size && found.sha256 === expected.sha256) return
  throw new BackupError(`It is damaged: the file ${expected.name} differs from its manifest.`)
}

function notABackup(): BackupError {
  return new BackupError('It is not a backup of Spanlink.')
}
