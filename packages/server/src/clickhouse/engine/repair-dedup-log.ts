import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Removes the tokens of unfinished inserts from the deduplication logs of a stopped engine. A
 * MergeTree logs the token before it commits the part: after a kill between the two, the retry
 * would be skipped as a duplicate and the rows lost (seen twice in 1,007 kills).
 *
 * @param clickhouseDir the engine's `path`; no engine may be running there
 * @returns how many tokens were removed
 */
export function repairDedupLogs(clickhouseDir: string): number {
  let removed = 0
  for (const table of listTableDirs(join(clickhouseDir, 'store'))) {
    const logs = listLogFiles(join(table, 'deduplication_logs'))
    const newest = logs.at(-1)
    if (newest === undefined) continue
    // The engine can't load a table with a partial record. Its insert was never committed.
    truncateToWholeLines(newest)
    const partByToken = new Map<string, string>()
    for (const line of logs.flatMap((log) => readFileSync(log, 'utf8').split('\n'))) {
      const [operation, part, token] = line.split('\t')
      if (part === undefined || token === undefined) continue
      if (operation === ADD) partByToken.set(token, part)
      else partByToken.delete(token)
    }
    const isOnDisk = createCoverageCheck(readdirSync(table))
    const lost = [...partByToken].filter(([, part]) => !isOnDisk(part))
    if (lost.length === 0) continue
    const lines = lost.map(([token, part]) => `${DROP}\t${part}\t${token}\n`)
    writeFileSync(newest, lines.join(''), { flag: 'a' })
    removed += lost.length
  }
  return removed
}

// A record is a line: operation, part, token. MergeTreeDeduplicationLog.cpp of ClickHouse 26.7.
const ADD = '1'
const DROP = '2'

/** `store/<three letters>/<uuid>`. */
function listTableDirs(store: string): string[] {
  return listFolders(store).flatMap((short) => listFolders(join(store, short)).map((uuid) => join(store, short, uuid)))
}

function listFolders(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** Oldest first. */
function listLogFiles(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .flatMap((name) => {
      const number = /^deduplication_log_(\d+)\.txt$/.exec(name)?.[1]
      return number === undefined ? [] : [{ name, number: Number(number) }]
    })
    .toSorted((a, b) => a.number - b.number)
    .map(({ name }) => join(dir, name))
}

function truncateToWholeLines(log: string): void {
  const bytes = readFileSync(log)
  const end = bytes.lastIndexOf('\n') + 1
  if (end < bytes.length) truncateSync(log, end)
}

/**
 * `<partition>_<first block>_<last block>_<level>[_<mutation>]`; a merged part covers the blocks of
 * its sources.
 */
const PART = /^(?<partition>[^_]+)_(?<first>\d+)_(?<last>\d+)_\d+(?:_\d+)?$/

function parsePart(name: string): { partition: string; first: number; last: number } | undefined {
  const { partition, first, last } = PART.exec(name)?.groups ?? {}
  return partition === undefined ? undefined : { partition, first: Number(first), last: Number(last) }
}

function createCoverageCheck(names: readonly string[]): (part: string) => boolean {
  const parts = names.flatMap((name) => parsePart(name) ?? [])
  const byPartition = Map.groupBy(parts, ({ partition }) => partition)
  return (name) => {
    const part = parsePart(name)
    // Keep the tokens of parts whose name has an unknown form.
    if (part === undefined) return true
    const others = byPartition.get(part.partition) ?? []
    return others.some(({ first, last }) => first <= part.first && part.last <= last)
  }
}
