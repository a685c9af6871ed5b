import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import process from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { CommandError, exitCodes, fetchResponse } from '../../api-client.ts'
import { UsageError } from '../../args.ts'
import { defineClientCommand, defineCommand } from '../../command.ts'
import { showProgress } from '../../format/progress.ts'
import { formatBytes } from '../../format/terminal.ts'

export const backupCommand = defineClientCommand({
  summary: 'writes a backup of a running server with embedded ClickHouse to a file',
  description: 'Writes all stored data and the journal of a running server to a tar file.',
  usage: ['backup FILE [options]'],
  notes: `Includes every span acknowledged before the command. The server continues to receive.
With --store, use ClickHouse's BACKUP.`,
  exitCodes: '0 done, 1 failed, 2 invalid arguments, 4 no server',
  json: false,
  positionals: { name: 'FILE', min: 1, max: 1 },
  flags: {},
  run: async ({ server }, [file = ''], out) => {
    if (existsSync(file)) throw new CommandError(exitCodes.failed, `${file} exists. Choose another file.`)
    const response = await fetchResponse(server, '/api/backup')
    const total = Number(response.headers.get('x-spanlink-backup-bytes'))
    const unfinished = `${file}.unfinished`
    const progress = showProgress(process.stderr)
    let bytes = 0
    const body = Readable.fromWeb(response.body as ReadableStream)
    body.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length
      progress.update(`${formatBytes(bytes)} of ${formatBytes(Math.max(total, bytes))} …`)
    })
    try {
      await pipeline(body, createWriteStream(unfinished, { flags: 'wx', mode: 0o600, flush: true }))
      await rename(unfinished, file)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') await rm(unfinished, { force: true })
      throw new CommandError(exitCodes.failed, `The backup failed: ${(cause as Error).message}`, cause)
    } finally {
      progress.end()
    }
    out.line(`Wrote ${formatBytes(bytes)} to ${file}.`)
    return 0
  },
})

export const restoreCommand = defineCommand({
  summary: 'restores a backup into an empty data directory',
  description: 'Restores a backup into a missing or empty data directory; no server may be running there.',
  usage: ['restore FILE --data DIR'],
  notes: 'Verifies the file first. A failure leaves the directory as it was.',
  exitCodes: '0 done, 1 failed, 2 invalid arguments',
  positionals: { name: 'FILE', min: 1, max: 1 },
  flags: { data: { value: 'DIR', description: 'data directory to create' } },
  run: async ({ data: dataDir }, [file = ''], out) => {
    if (dataDir === undefined) throw new UsageError('missing --data')
    const { restoreBackup } = await import('../../../clickhouse/engine/backup/restore.ts')
    const progress = showProgress(process.stderr)
    try {
      const { files, createdAt, hasTokens } = await restoreBackup(file, dataDir, (step) => (bytes) => {
        progress.update(`${step} ${formatBytes(bytes)} …`)
      })
      const bytes = files.reduce((sum, { size }) => sum + size, 0)
      progress.end()
      out.line(`Restored ${formatBytes(bytes)} of ${createdAt} into ${dataDir}.`)
      if (hasTokens === true)
        out.note(`Tokens are not in a backup: create new ones with spanlink token create --data ${dataDir}.`)
      return 0
    } catch (cause) {
      throw new CommandError(exitCodes.failed, `Cannot restore ${file}: ${(cause as Error).message}`, cause)
    } finally {
      progress.end()
    }
  },
})
