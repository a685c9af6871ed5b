// The limits of the tree: entries of a folder, lines of a file, columns of a comment. Part of `npm run check`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const MAX_ENTRIES = 14
const MAX_LINES = 300
const MAX_COMMENT_COLUMNS = 100

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'packages'], {
  encoding: 'utf8',
})
const sources = listed
  .split('\n')
  .filter((path) => /^packages\/[^/]+\/src\/.*\.(ts|tsx|css|sql)$/.test(path) && !path.endsWith('.test.ts'))

const problems: string[] = []
const entries = new Map<string, Set<string>>()
for (const path of sources) {
  const parts = path.split('/')
  for (let depth = 3; depth < parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/')
    const inside = entries.get(folder) ?? new Set()
    entries.set(folder, inside.add(parts[depth] ?? ''))
  }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  if (lines.length > MAX_LINES) problems.push(`${path}: ${lines.length} lines, at most ${MAX_LINES}`)
  for (const [at, line] of lines.entries()) {
    const isComment = /^\s*(\/\/|\/\*|\*|--)/.test(line)
    const isTable = /^\s*\*\s*\|/.test(line)
    if (isComment && !isTable && line.length > MAX_COMMENT_COLUMNS && !line.includes('://')) {
      problems.push(`${path}:${at + 1}: a comment of ${line.length} columns, at most ${MAX_COMMENT_COLUMNS}`)
    }
  }
}
for (const [folder, inside] of entries) {
  if (inside.size > MAX_ENTRIES) problems.push(`${folder}: ${inside.size} entries, at most ${MAX_ENTRIES}`)
}
if (problems.length > 0) {
  process.stdout.write(`${problems.join('\n')}\n`)
  process.exit(1)
}
