import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

/** Heading anchors as npm and GitHub generate them. */
const anchors = new Set(
  [...readme.matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) =>
      `#${heading!
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-')}`,
  ),
)

test('README links are anchors of the page or https addresses, as npm needs', () => {
  const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  expect(targets.length).toBeGreaterThan(10)
  expect(targets.filter((target) => !anchors.has(target) && !target.startsWith('https://'))).toEqual([])
})
