import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../client.ts'
import { readSchemaVersions } from '../../schema/schema.ts'
import type { Backup, StoreWriter } from '../../store.ts'
import { linkFiles } from './link-files.ts'
import { createManifest, TOKENS_FILE } from './manifest.ts'
import { writeArchive } from './write-archive.ts'

/** Links tables and journal between two inserts, then reads the links while inserts continue. */
export async function openBackup(
  client: Client,
  writer: StoreWriter,
  dataDir: string,
  version: string,
): Promise<Backup> {
  const directory = join(getBackupDirectory(dataDir), randomUUID())
  const linked = await writer.pause((journalFiles) => linkFiles(client, dataDir, directory, journalFiles))
  const { parts, files } = linked
  const hasTokens = existsSync(join(dataDir, TOKENS_FILE))
  const schemaVersion = (await readSchemaVersions()).length
  const archive = writeArchive(
    linked,
    (hashed) => JSON.stringify(createManifest({ version, schemaVersion, hasTokens, parts, files: hashed })),
    () => void rm(directory, { recursive: true, force: true }),
  )
  return { archive, bytes: files.reduce((sum, { size }) => sum + size, 0) }
}

/** Removes the links of backups that a kill interrupted. */
export function removeUnfinishedBackups(dataDir: string): void {
  rmSync(getBackupDirectory(dataDir), { recursive: true, force: true })
}

function getBackupDirectory(dataDir: string): string {
  return join(dataDir, 'backup')
}
