import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { patchLoaded } from './loaded-modules.ts'
import type { ModulePatch } from './patch-modules.ts'

/** Patches modules when they are loaded, whether by `require` or by `import`, and at once those that are loaded already. */
export function patchOnLoad(patches: readonly ModulePatch[]): void {
  const byName = new Map(patches.map((patch) => [patch.name, patch]))
  const byUrl = new Map<string, ModulePatch>()
  Object.defineProperty(globalThis, LOADED, {
    value(name: string, exports: object) {
      byName.get(name)?.patch(exports)
    },
  })
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
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
      return { ...loaded, source: `${textOf(source)}\n${afterwards(patch.name)}` }
    },
  })
  patchLoaded(patches)
}

/** Where the code appended to a module finds us; a symbol, so that it is no name of anybody's. */
const LOADED: unique symbol = Symbol.for('@spanlink/kafka.loaded')

// At the end of the module, when its exports are there, and before an importing module gets to see their names.
function afterwards(name: string): string {
  return `;globalThis[Symbol.for(${JSON.stringify(LOADED.description)})](${JSON.stringify(name)}, module.exports);\n`
}

function textOf(source: string | ArrayBufferLike | ArrayBufferView): string {
  if (typeof source === 'string') return source
  if (ArrayBuffer.isView(source)) return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString()
  return Buffer.from(source).toString()
}
