import { readFileSync } from 'node:fs'
// A named import of what an older Node lacks is a SyntaxError; `register` checks first.
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { patchLoaded } from './loaded-modules.ts'
import type { ModulePatch } from './patch-modules.ts'

/** Whether this Node can call back when modules are loaded: from 22.15 on. */
export const canHookLoads: boolean = typeof nodeModule.registerHooks === 'function'

/**
 * Patches modules when they are loaded, whether by `require` or by `import`, and at once those that
 * are loaded already.
 *
 * @returns whether any has been loaded so far
 */
export function patchOnLoad(patches: readonly ModulePatch[]): () => boolean {
  let isAnyLoaded = false
  const byName = new Map(patches.map((patch) => [patch.name, patch]))
  const byUrl = new Map<string, ModulePatch>()
  Object.defineProperty(globalThis, LOADED, {
    value(name: string, exports: object) {
      isAnyLoaded = true
      byName.get(name)?.patch(exports)
    },
  })
  nodeModule.registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      // Traced by its diagnostics channels, without a patch.
      isAnyLoaded ||= specifier === '@platformatic/kafka'
      const patch = byName.get(specifier)
      if (patch !== undefined) byUrl.set(resolved.url, patch)
      return resolved
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const patch = byUrl.get(url)
      // For `require` Node tells no format.
      if (patch === undefined || loaded.format === 'module') return loaded
      const source = loaded.source ?? readFileSync(fileURLToPath(url))
      return { ...loaded, source: `${toText(source)}\n${createPatchCall(patch.name)}` }
    },
  })
  isAnyLoaded = patchLoaded(patches) || isAnyLoaded
  return () => isAnyLoaded
}

/** Where the code appended to a module finds us; a symbol, so that it is no name of anybody's. */
const LOADED: unique symbol = Symbol.for('@spanlink/kafka.loaded')

// At the end of the module, when its exports are there, and before an importing module gets to see
// their names.
function createPatchCall(name: string): string {
  return `;globalThis[Symbol.for(${JSON.stringify(LOADED.description)})](${JSON.stringify(name)}, module.exports);\n`
}

function toText(source: string | ArrayBufferLike | ArrayBufferView): string {
  if (typeof source === 'string') return source
  if (ArrayBuffer.isView(source)) return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString()
  return Buffer.from(source).toString()
}
