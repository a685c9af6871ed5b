import { type Access, type Client, connect } from '../client.ts'
import { CorruptPartGuard } from '../damage/corrupt-parts.ts'
import { openBackup, removeUnfinishedBackups } from './backup/open-backup.ts'
import { lockDataDir } from './data-dir.ts'
import { findEngineLibrary } from './engine-library.ts'
import { type Engine, startEngine } from './engine.ts'
import { createClientStore } from '../client-store.ts'
import { startRetentionTimer } from '../retention.ts'
import { applySchema } from '../schema/schema.ts'
import { StoreError } from '../store-error.ts'
import type { Store, StoreOptions } from '../store.ts'

export type EmbeddedStore = Store & {
  /** Absolute path, locked by this process until `close()`. */
  readonly dataDir: string
  /** The engine's process id while it runs. */
  enginePid(): number | undefined
}

/** Locks the data directory, starts the engine in it and brings the tables up to date. */
export async function openEmbeddedStore(dir: string, options: StoreOptions = {}): Promise<EmbeddedStore> {
  const log = options.log ?? (() => {})
  // Without an engine, no data directory is made.
  findEngineLibrary()
  const dataDir = lockDataDir(dir)
  removeUnfinishedBackups(dataDir.path)
  const database = 'spanlink'
  const guard = new CorruptPartGuard(log)
  let client: Client | undefined
  let hadLogs = true
  let engine: Engine
  try {
    engine = await startEngine({
      dataDir: dataDir.path,
      memoryBytes: options.engineBytes,
      fsync: options.fsync,
      log,
      ping: async (access) => {
        const probe = connect(access)
        try {
          return await probe.ping()
        } finally {
          await probe.close()
        }
      },
      onReady: async (access) => {
        const connected = await connectToDatabase(access, database)
        await guard.report(connected)
        hadLogs = (await connected.query('select 1 from logs limit 1')).length > 0
        client = connected
      },
      onDown: () => {
        const previous = client
        client = undefined
        void previous?.close()
      },
    })
  } catch (error) {
    dataDir.release()
    throw error
  }
  const stopRetention = startRetentionTimer(() => (client === undefined ? [] : [client]), options.retention, log)
  const store = createClientStore('embedded', () => client, {
    restarts: engine.restarts,
    guard,
    log,
    hadLogs: () => hadLogs,
  })
  return {
    ...store,
    state: engine.state,
    dataDir: dataDir.path,
    enginePid: engine.pid,
    backup: async (version) => {
      const writer = store.writer?.()
      if (client === undefined || writer === undefined)
        throw new StoreError('unavailable', 'ClickHouse is not running.')
      return await openBackup(client, writer, dataDir.path, version)
    },
    close: async () => {
      stopRetention()
      await store.close()
      await engine.stop()
      dataDir.release()
    },
  }
}

async function connectToDatabase(access: Access, database: string): Promise<Client> {
  const bare = connect(access)
  try {
    await applySchema(bare, database)
  } finally {
    await bare.close()
  }
  return connect({ ...access, database })
}
