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
export function forgetUncommitted(clickhouseDir: string): number {
  let forgotten = 0
  for (const table of tableDirs(join(clickhouseDir, 'store'))) {
    const logs = logFiles(join(table, 'deduplication_logs'))
    const newest = logs.at(-1)
    if (newest === undefined) continue
    // Half a record would keep the engine from loading the table; what it tells of was not
    // committed.
    cutToLines(newest)
    const remembered = new Map<string, string>()
    for (const line of logs.flatMap((log) => readFileSync(log, 'utf8').split('\n'))) {
      const [operation, part, token] = line.split('\t')
      if (part === undefined || token === undefined) continue
      if (operation === ADD) remembered.set(token, part)
      else remembered.delete(token)
    }
    const isOnDisk = coveredBy(readdirSync(table))
    const lost = [...remembered].filter(([, part]) => !isOnDisk(part))
    if (lost.length === 0) continue
    const lines = lost.map(([token, part]) => `${DROP}\t${part}\t${token}\n`)
    writeFileSync(newest, lines.join(''), { flag: 'a' })
    forgotten += lost.length
  }
  return forgotten
}

// A record is a line: operation, part, token. MergeTreeDeduplicationLog.cpp of ClickHouse 26.7.
const ADD = '1'
const DROP = '2'

/** `store/<three letters>/<uuid>`. */
function tableDirs(store: string): string[] {
  return folders(store).flatMap((short) => folders(join(store, short)).map((uuid) => join(store, short, uuid)))
}

function folders(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** Oldest first. */
function logFiles(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .flatMap((name) => {
      const number = /^deduplication_log_(\d+)\.txt$/.exec(name)?.[1]
      return number === undefined ? [] : [{ name, number: Number(number) }]
    })
    .toSorted((a, b) => a.number - b.number)
    .map(({ name }) => join(dir, name))
}

function cutToLines(log: string): void {
  const bytes = readFileSync(log)
  const end = bytes.lastIndexOf('\n') + 1
  if (end < bytes.length) truncateSync(log, end)
}

/**
 * `<partition>_<first block>_<last block>_<level>[_<mutation>]`; merged parts cover the blocks of
 * what they were merged from.
 */
const PART = /^([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?$/

function coveredBy(names: readonly string[]): (part: string) => boolean {
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
