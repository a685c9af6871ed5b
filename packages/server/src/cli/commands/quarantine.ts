import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { listQuarantined, retryQuarantined } from '../../journal/quarantine.ts'
import { CommandError, exitCodes } from '../api-client.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../serve/serve-options.ts'

export const quarantineCommand: Command = {
  asks: 'nobody',
  summary: 'lists and retries segments that ClickHouse refused',
  help: `Lists the journal segments that ClickHouse refused, or gives them back to the server: a running one stores them
within seconds, a stopped one at its start. A segment that is refused again returns to quarantine.

Usage: spanlink quarantine list [options]
       spanlink quarantine retry [ID ...] [options]

  ID            segments to retry (default: all)
  --data DIR    the server's data directory (default .spanlink, or $SPANLINK_DATA)
  --json        the list as JSON
  --help

Exit codes: 0 done, 1 failed, 2 not understood, 3 not found.
`,
  run: async (args, out) => {
    const { action, ids, dataDir, json } = parse(args)
    if (!existsSync(join(dataDir, 'journal'))) {
      throw new CommandError(exitCodes.notFound, `${dataDir} is not a data directory of Spanlink. Name it with --data.`)
    }
    const segments = await listQuarantined(dataDir)
    if (action === 'list') {
      if (json) out.line(JSON.stringify({ segments }))
      else if (segments.length === 0) out.line('Nothing is in quarantine.')
      else for (const { id, bytes, time, error } of segments) out.line(`${id}  ${bytes} bytes  ${time}  ${error}`)
      return 0
    }
    const unknown = ids.find((id) => !segments.some((segment) => segment.id === id))
    if (unknown !== undefined) throw new CommandError(exitCodes.notFound, `No segment ${unknown} is in quarantine.`)
    const count = await retryQuarantined(dataDir, ids.length === 0 ? undefined : ids)
    out.line(`${count} ${count === 1 ? 'segment' : 'segments'} to be stored again.`)
    return 0
  },
}

type Parsed = {
  readonly action: 'list' | 'retry'
  readonly ids: readonly string[]
  readonly dataDir: string
  readonly json: boolean
}

function parse(args: readonly string[]): Parsed {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      options: { data: { type: 'string' }, json: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\.\s/)[0]?.replace(/\.$/, '')}.`)
  }
  const { values, positionals } = parsed
  const [action, ...ids] = positionals
  if (action !== 'list' && action !== 'retry') throw new UsageError('quarantine wants list or retry.')
  if (action === 'list' && ids.length > 0) throw new UsageError('quarantine list takes no ids.')
  const dataDir = values.data ?? process.env['SPANLINK_DATA'] ?? '.spanlink'
  return { action, ids, dataDir, json: values.json ?? false }
}
