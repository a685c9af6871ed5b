// Links, their anchors, and paths of this repository that Markdown files name: each has to exist. Part of `npm run check`.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(path))

const problems: string[] = []
for (const file of files) {
  const text = readFileSync(file, 'utf8').replaceAll(/```[^`]*```/g, '')
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (target.includes('://')) continue
    const [path = '', anchor] = target.split('#')
    const linked = path === '' ? file : join(dirname(file), path)
    if (!existsSync(linked)) problems.push(`${file}: no file ${target}`)
    else if (anchor !== undefined && !findAnchors(linked).has(anchor)) problems.push(`${file}: no heading ${target}`)
  }
  for (const [path] of text.matchAll(/(?<![\w/.-])(packages|bench|scripts|compat|examples)\/[\w./-]*\w/g)) {
    if (!existsSync(path) && !path.includes('/dist')) problems.push(`${file}: no file ${path}`)
  }
}
if (problems.length > 0) {
  process.stdout.write(`${problems.join('\n')}\n`)
  process.exit(1)
}

/** As GitHub makes them. */
function findAnchors(file: string): Set<string> {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
  return new Set(
    Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
