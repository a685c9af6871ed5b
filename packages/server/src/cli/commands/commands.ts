import type { Command } from '../command.ts'
import { backupCommand, restoreCommand } from './admin/backup.ts'
import { demoCommand } from './demo.ts'
import { deleteCommand } from './admin/delete.ts'
import { exportCommand } from './export.ts'
import { flowCommand } from './flow.ts'
import { importCommand } from './import.ts'
import { mcpCommand } from './mcp.ts'
import { migrateCommand } from './admin/migrate.ts'
import { quarantineCommand } from './admin/quarantine.ts'
import { queryCommand } from './query.ts'
import { serveCommand } from './serve.ts'
import { tailCommand } from './tail.ts'
import { tokenCommand } from './admin/token.ts'
import { topologyCommand } from './topology.ts'
import { traceCommand } from './trace.ts'

/** In the order of the help. */
export const commands: ReadonlyMap<string, Command> = new Map([
  ['trace', traceCommand],
  ['flow', flowCommand],
  ['query', queryCommand],
  ['tail', tailCommand],
  ['topology', topologyCommand],
  ['mcp', mcpCommand],
  ['import', importCommand],
  ['export', exportCommand],
  ['delete', deleteCommand],
  ['backup', backupCommand],
  ['serve', serveCommand],
  ['demo', demoCommand],
  ['restore', restoreCommand],
  ['migrate', migrateCommand],
  ['quarantine', quarantineCommand],
  ['token', tokenCommand],
])
