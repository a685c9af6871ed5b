// CommonJS entries of a package that is written in ES modules: `require` of an ES module is all
// that Node 22 needs, but TypeScript refuses it (TS1479) unless the declarations are CommonJS, too.
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

/**
 * Writes `dist/cjs`: the declarations again, and for each entry a file that gives the same module
 * instance.
 */
export async function writeCommonJsEntries(dist: string, entries: readonly string[]): Promise<void> {
  const target = join(dist, 'cjs')
  await mkdir(target, { recursive: true })
  for (const item of await readdir(dist)) {
    if (item === 'cjs') continue
    await cp(join(dist, item), join(target, item), {
      recursive: true,
      filter: (source) => source.endsWith('.d.ts') || !/\.[^/]+$/.test(source.slice(dist.length)),
    })
  }
  await writeFile(join(target, 'package.json'), '{ "type": "commonjs" }\n')
  for (const entry of entries) {
    const file = join(target, `${entry}.js`)
    const module = relative(dirname(file), join(dist, `${entry}.js`))
    await writeFile(file, `module.exports = require('${module}')\n`)
  }
}
