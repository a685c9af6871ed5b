import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../client.ts'
import type { ManifestPart } from './manifest.ts'

/** Files of a backup by their names in it, under `directory`. */
export type LinkedFiles = {
  readonly directory: string
  readonly parts: readonly ManifestPart[]
  readonly files: readonly { readonly name: string; readonly size: number }[]
}

const DEDUPLICATION_LOGS = 'deduplication_logs'

/** A part may be dropped between its listing and its link; merged parts stay for a minute. */
const MAX_ATTEMPTS = 3

/**
 * Links all active parts and these files of the journal into a new directory. Not `FREEZE`: it
 * leaves out patch parts, so that deleted rows would be back. Nothing may be inserted meanwhile.
 */
export async function linkFiles(
  client: Client,
  dataDir: string,
  directory: string,
  journalFiles: readonly string[],
): Promise<LinkedFiles> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await linkOnce(client, dataDir, directory, journalFiles)
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

async function linkOnce(
  client: Client,
  dataDir: string,
  directory: string,
  journalFiles: readonly string[],
): Promise<LinkedFiles> {
  const tables = await client.query<{ table: string; path: string }>(
    `select name as table, data_paths[1] as path from system.tables
    where database = currentDatabase() and name != 'schema_migrations'`,
  )
  const parts = await client.query<{ table: string; name: string; rows: string; path: string }>(
    `select table, name, rows, path from system.parts
    where active and database = currentDatabase() and table != 'schema_migrations'`,
  )
  const files: { name: string; size: number }[] = []
  const add = async (from: string, to: string, names: readonly string[], act: typeof link = link): Promise<void> => {
    await mkdir(join(directory, to), { recursive: true, mode: 0o700 })
    for (const name of names) {
      await act(join(from, name), join(directory, to, name))
      const { size } = await stat(join(directory, to, name))
      files.push({ name: `${to}/${name}`, size })
    }
  }
  for (const { table, name, path } of parts) await add(path, `tables/${table}/${name}`, await readdir(path))
  // Appended by later inserts, so that a link would change.
  for (const { table, path } of tables) {
    const logs = join(path, DEDUPLICATION_LOGS)
    await add(logs, `tables/${table}/${DEDUPLICATION_LOGS}`, await readdirIfAny(logs), copyFile)
  }
  await add(join(dataDir, 'journal'), 'journal', journalFiles)
  const quarantine = join(dataDir, 'journal', 'quarantine')
  const quarantined = (await readdirIfAny(quarantine)).filter((name) => /\.(?:segment|json)$/.test(name))
  await add(quarantine, 'journal/quarantine', quarantined)
  return { directory, parts: parts.map(({ table, name, rows }) => ({ table, name, rows: Number(rows) })), files }
}

async function readdirIfAny(path: string): Promise<string[]> {
  return await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}
