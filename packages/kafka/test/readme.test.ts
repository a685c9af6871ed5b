import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

/** As npm and GitHub make them of headings. */
const anchors = new Set(
  [...readme.matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) =>
      `#${heading!
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-')}`,
  ),
)

test('every link resolves on npm’s page, which has neither the repository’s files nor its address', () => {
  const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  expect(targets.length).toBeGreaterThan(10)
  expect(targets.filter((target) => !anchors.has(target) && !target.startsWith('https://'))).toEqual([])
})
