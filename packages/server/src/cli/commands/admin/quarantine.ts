import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { listQuarantined, retryQuarantined } from '../../../journal/quarantine.ts'
import { CommandError, exitCodes } from '../../api-client.ts'
import { UsageError } from '../../args.ts'
import { defineCommand } from '../../command.ts'
import { formatCount } from '../../format/terminal.ts'
import { serveFlags } from '../../serve/serve-options.ts'

export const quarantineCommand = defineCommand({
  summary: 'lists or retries segments that ClickHouse rejected',
  description: `Lists the journal segments that ClickHouse rejected, or returns them to the server. A running server inserts
them within seconds, a stopped one at its start. A segment that is rejected again returns to quarantine.`,
  usage: ['quarantine list [options]', 'quarantine retry [ID ...] [options]'],
  notes: '  ID   segments to retry (default: all)',
  positionals: { name: 'list or retry', min: 0, max: Infinity },
  flags: { data: serveFlags.data, json: { description: 'print the list as JSON' } },
  run: async ({ data: dataDir = '.spanlink', json }, [action, ...ids], out) => {
    if (action === undefined) throw new UsageError('missing action: expected list or retry')
    if (action !== 'list' && action !== 'retry') {
      throw new UsageError(`invalid action ${JSON.stringify(action)}: expected list or retry`)
    }
    if (action === 'list' && ids.length > 0) throw new UsageError('quarantine list takes no segment IDs')
    if (!existsSync(join(dataDir, 'journal'))) {
      throw new CommandError(exitCodes.notFound, `${dataDir} is not a data directory of Spanlink. Set --data.`)
    }
    const segments = await listQuarantined(dataDir)
    if (action === 'list') {
      if (json === true) out.line(JSON.stringify({ segments }))
      else if (segments.length === 0) out.line('The quarantine is empty.')
      else for (const { id, bytes, time, error } of segments) out.line(`${id}  ${bytes} bytes  ${time}  ${error}`)
      return 0
    }
    const unknown = ids.find((id) => !segments.some((segment) => segment.id === id))
    if (unknown !== undefined) throw new CommandError(exitCodes.notFound, `No segment ${unknown} is in quarantine.`)
    const count = await retryQuarantined(dataDir, ids.length === 0 ? undefined : ids)
    out.line(`${formatCount(count, 'segment')} will be inserted again.`)
    return 0
  },
})
