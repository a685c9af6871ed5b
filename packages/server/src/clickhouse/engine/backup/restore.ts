import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readSchemaVersions } from '../../schema/schema.ts'
import type { StoreOptions } from '../../store.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../open-embedded.ts'
import { BackupError, type Manifest, TOKENS_FILE } from './manifest.ts'
import { extractArchive, type OnProgress, verifyArchive } from './read-archive.ts'

export type RestoreProgress = (step: 'Verified' | 'Restored') => OnProgress

/**
 * Restores a backup into a missing or empty directory. Builds it beside the directory, so that a
 * failure leaves nothing.
 *
 * @throws BackupError, StoreError
 */
export async function restoreBackup(
  path: string,
  dataDir: string,
  onProgress: RestoreProgress,
  options: StoreOptions = {},
): Promise<Manifest> {
  const target = resolve(dataDir)
  await checkEmpty(target)
  const manifest = await verifyArchive(path, (await readSchemaVersions()).length, onProgress('Verified'))
  // Within an existing directory, which may be a mount point; else beside it.
  const isThere = existsSync(target)
  const name = `restore-${randomUUID().slice(0, 8)}`
  const directory = isThere ? join(target, `.${name}`) : join(dirname(target), `.${basename(target)}-${name}`)
  const extracted = join(directory, 'restore')
  try {
    await mkdir(extracted, { recursive: true, mode: 0o700 })
    await extractArchive(path, manifest, extracted, onProgress('Restored'))
    await placeTables(directory, join(extracted, 'tables'), options)
    await checkParts(directory, manifest, options)
    await rename(join(extracted, 'journal'), join(directory, 'journal')).catch(ignoreMissing)
    await rm(extracted, { recursive: true })
    // A server that required tokens must not serve everyone after a restore.
    if (manifest.hasTokens === true) await writeFile(join(directory, TOKENS_FILE), NO_TOKENS, { mode: 0o600 })
    if (isThere) for (const entry of await readdir(directory)) await rename(join(directory, entry), join(target, entry))
    else await rename(directory, target)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return manifest
}

const NO_TOKENS = '{"version":1,"tokens":[]}\n'

async function checkEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new BackupError(`${directory} can't be used: ${error.message}`)
  })
  // File systems have the latter from their start.
  if (names.some((name) => name !== 'lost+found')) throw new BackupError(`${directory} is not empty.`)
}

/** Creates the tables, then moves the parts of the backup into their directories. */
async function placeTables(directory: string, tables: string, options: StoreOptions): Promise<void> {
  const paths = await withStore(directory, options, (store) =>
    store.query<{ table: string; path: string }>(
      'select name as table, data_paths[1] as path from system.tables where database = currentDatabase()',
    ),
  )
  for (const { table, path } of paths) {
    for (const name of await readdir(join(tables, table)).catch(ignoreMissing)) {
      // An empty directory of deduplication logs is there.
      await rm(join(path, name), { recursive: true, force: true })
      await rename(join(tables, table, name), join(path, name))
    }
  }
}

/** Starts ClickHouse with the parts: it verifies their checksums as it loads them. */
async function checkParts(directory: string, { parts }: Manifest, options: StoreOptions): Promise<void> {
  const { loaded, corrupt } = await withStore(directory, options, async (store) => ({
    // Also inactive ones: a merge may start at once.
    loaded: await store.query<{ part: string }>(
      "select concat(table, ' ', name, ' ', toString(rows)) as part from system.parts where database = currentDatabase()",
    ),
    corrupt: (await store.info()).corruptParts.count,
  }))
  const names = new Set(loaded.map(({ part }) => part))
  const missing = parts.filter(
    ({ table, name, rows }) => !name.startsWith('patch-') && !names.has(`${table} ${name} ${rows}`),
  )
  if (corrupt > 0 || missing.length > 0) {
    throw new BackupError(`ClickHouse can't load ${Math.max(corrupt, missing.length)} of its parts.`)
  }
}

async function withStore<T>(
  directory: string,
  options: StoreOptions,
  act: (store: EmbeddedStore) => Promise<T>,
): Promise<T> {
  const store = await openEmbeddedStore(directory, options)
  try {
    return await act(store)
  } finally {
    await store.close()
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): [] {
  if (error.code !== 'ENOENT') throw error
  return []
}
