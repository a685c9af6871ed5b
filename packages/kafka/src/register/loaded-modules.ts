import { createRequire } from 'node:module'
import { sep } from 'node:path'
import { safely } from '../core/diagnostics.ts'
import type { ModulePatch } from './patch-modules.ts'

/** Patches modules that are already loaded. @returns whether there were any */
export function patchLoaded(patches: readonly ModulePatch[]): boolean {
  let isAnyLoaded = false
  safely('look for clients that are loaded', () => {
    const { cache } = createRequire(import.meta.url)
    for (const [path, module] of Object.entries(cache)) {
      const patch = patches.find(({ name, file }) =>
        path.endsWith(`/node_modules/${name}/${file}`.replaceAll('/', sep)),
      )
      if (!module?.loaded || patch === undefined) continue
      isAnyLoaded = true
      patch.patch(module.exports as object)
    }
  })
  return isAnyLoaded
}
