// Writes the references in docs that come from code: `node scripts/docs/reference.ts`. With --check it
// only compares.
import { readFile, writeFile } from 'node:fs/promises'
import type { FlagTable } from '../../packages/server/src/cli/args.ts'
import { commands } from '../../packages/server/src/cli/commands/commands.ts'
import { metricType, serverMetrics } from '../../packages/server/src/http/compat/prometheus.ts'

const references = [
  ['docs/cli.md', 'flags', [...commands].flatMap(([name, { flags }]) => formatCommand(name, flags)).join('\n')],
  ['docs/operations.md', 'metrics', formatMetrics()],
] as const

for (const [file, name, table] of references) {
  const url = new URL(`../../${file}`, import.meta.url)
  const text = await readFile(url, 'utf8')
  const [begin, end] = [`<!-- ${name}: written by scripts/docs/reference.ts -->`, `<!-- ${name}: end -->`]
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${file} has no markers for ${name}`)
  const current = `${before}${begin}\n\n${table}\n${end}${after}`
  if (!process.argv.includes('--check')) await writeFile(url, current)
  else if (current !== text) {
    process.stdout.write(`The ${name} of ${file} are out of date: node scripts/docs/reference.ts\n`)
    process.exitCode = 1
  }
}

function formatCommand(name: string, flags: FlagTable): string[] {
  const rows = Object.entries(flags).map(([flag, { value, env, default: text, description }]) => [
    `\`--${flag}${value === undefined ? '' : ` ${value}`}\``,
    env === undefined ? '' : `\`${env}\``,
    text ?? '',
    description,
  ])
  if (rows.length === 0) return []
  return [`### \`spanlink ${name}\`\n\n${formatTable(['flag', 'environment', 'default', 'description'], rows)}`]
}

function formatMetrics(): string {
  return formatTable(
    ['metric', 'type', 'description'],
    serverMetrics.map(([name, help]) => [`\`${name}\``, metricType(name), help]),
  )
}

/** As oxfmt formats a table: cells padded to the widest of their column. */
function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('*', '\\*')))
  const widths = head.map((title, column) => Math.max(title.length, ...escaped.map((row) => row[column]?.length ?? 0)))
  const lines = [head, widths.map((width) => '-'.repeat(width)), ...escaped]
  return lines.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`).join('')
}
