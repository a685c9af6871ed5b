import type { Command } from '../command.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { deleteCommand } from './delete.ts'
import { exportCommand } from './export.ts'
import { flowCommand } from './flow.ts'
import { importCommand } from './import.ts'
import { migrateCommand } from './migrate.ts'
import { quarantineCommand } from './quarantine.ts'
import { queryCommand } from './query.ts'
import { serveCommand } from './serve.ts'
import { tailCommand } from './tail.ts'
import { topologyCommand } from './topology.ts'
import { traceCommand } from './trace.ts'

/** In the order of the help. */
export const commands: ReadonlyMap<string, Command> = new Map([
  ['trace', traceCommand],
  ['flow', flowCommand],
  ['query', queryCommand],
  ['tail', tailCommand],
  ['topology', topologyCommand],
  ['import', importCommand],
  ['export', exportCommand],
  ['delete', deleteCommand],
  ['backup', backupCommand],
  ['serve', serveCommand],
  ['restore', restoreCommand],
  ['migrate', migrateCommand],
  ['quarantine', quarantineCommand],
])
