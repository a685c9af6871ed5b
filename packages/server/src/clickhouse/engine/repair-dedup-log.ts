import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Makes the tables of a stopped engine forget the tokens of inserts that it had not finished.
 *
 * A MergeTree writes an insert's token to its deduplication log before it commits the part. An
 * engine that is killed between the two loses the part and keeps the token, and then takes the
 * retry for a repetition: the rows would be nowhere. Seen twice in 1,007 kills, once for each
 * server. What counts is what lies on disk: a token whose part no part covers is taken back, as the
 * engine itself would when it drops a part.
 *
 * @param clickhouseDir the engine's `path`; no engine may be running there
 * @returns how many tokens were taken back
 */
export function repairDedupLogs(clickhouseDir: string): number {
  let removed = 0
  for (const table of listTableDirs(join(clickhouseDir, 'store'))) {
    const logs = listLogFiles(join(table, 'deduplication_logs'))
    const newest = logs.at(-1)
    if (newest === undefined) continue
    // Half a record would keep the engine from loading the table; what it tells of was not
    // committed.
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
 * `<partition>_<first block>_<last block>_<level>[_<mutation>]`; merged parts cover the blocks of
 * what they were merged from.
 */
const PART = /^([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?$/

function createCoverageCheck(names: readonly string[]): (part: string) => boolean {
  const ranges = new Map<string, (readonly [first: number, last: number])[]>()
  for (const name of names) {
    const match = PART.exec(name)
    if (match === null) continue
    const [, partition = '', first, last] = match
    const known = ranges.get(partition)
    if (known === undefined) ranges.set(partition, [[Number(first), Number(last)]])
    else known.push([Number(first), Number(last)])
  }
  return (part) => {
    const match = PART.exec(part)
    // A name of a form that we don't know is the engine's to judge.
    if (match === null) return true
    const [, partition = '', first, last] = match
    return (ranges.get(partition) ?? []).some(([from, to]) => from <= Number(first) && Number(last) <= to)
  }
}
