import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { builtDir, ensureBuilt } from './site.ts'

beforeAll(ensureBuilt)

test('the scripts of the first load are at most 60 kB gzipped', async () => {
  const html = await readFile(join(builtDir, 'index.html'), 'utf8')
  const scripts = new Set<string>()
  const follow = async (name: string): Promise<void> => {
    if (scripts.has(name)) return
    scripts.add(name)
    const source = await readFile(join(builtDir, 'assets', name), 'utf8')
    // Static imports only: `import(…)` waits until a page is opened.
    for (const [, imported = ''] of source.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g))
      await follow(imported)
  }
  for (const [, name = ''] of html.matchAll(/assets\/([^"']+\.js)/g)) await follow(name)
  const sizes = await Promise.all(
    [...scripts].map(async (name) => gzipSync(await readFile(join(builtDir, 'assets', name))).length),
  )
  expect(scripts.size).toBeGreaterThan(0)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60_000)
})

test('the built page has no inline script, inline style or external URL in its styles', async () => {
  const html = await readFile(join(builtDir, 'index.html'), 'utf8')
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/)
  expect(html).not.toMatch(/\sstyle=|<style/)
  const assets = await readdir(join(builtDir, 'assets'))
  const styles = await Promise.all(
    assets.filter((name) => name.endsWith('.css')).map((name) => readFile(join(builtDir, 'assets', name), 'utf8')),
  )
  expect(styles.join('')).not.toMatch(/url\(\s*["']?(data|https?):/)
})
