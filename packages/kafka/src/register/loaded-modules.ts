import { createRequire } from 'node:module'
import { sep } from 'node:path'
import { quietly } from '../diagnosis.ts'
import type { ModulePatch } from './patch-modules.ts'

/** Patches modules that are loaded already. */
export function patchLoaded(patches: readonly ModulePatch[]): void {
  quietly('look for clients that are loaded', () => {
    const { cache } = createRequire(import.meta.url)
    for (const [path, module] of Object.entries(cache)) {
      const patch = patches.find(({ name, file }) =>
        path.endsWith(`/node_modules/${name}/${file}`.replaceAll('/', sep)),
      )
      if (module?.loaded) patch?.patch(module.exports as object)
    }
  })
}
