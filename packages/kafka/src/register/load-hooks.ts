import { readFileSync } from 'node:fs'
// A named import of what an older Node lacks is a SyntaxError; `register` checks first.
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { patchLoaded } from './loaded-modules.ts'
import type { ModulePatch } from './patch-modules.ts'

/** Whether Node has synchronous load hooks: from 22.15 on. */
export const canHookLoads: boolean = typeof nodeModule.registerHooks === 'function'

/** Whether a copy of this package patches modules already. */
export function isHooked(): boolean {
  return LOADED in globalThis
}

/**
 * Patches modules when loaded by `require` or `import`, and loaded ones at once.
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
      // Needs no patch: it is traced by its diagnostics channels.
      isAnyLoaded ||= specifier === '@platformatic/kafka'
      const patch = byName.get(specifier)
      if (patch !== undefined) byUrl.set(resolved.url, patch)
      return resolved
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const patch = byUrl.get(url)
      // Node reports no format for `require`.
      if (patch === undefined || loaded.format === 'module') return loaded
      const source = loaded.source ?? readFileSync(fileURLToPath(url))
      return { ...loaded, source: `${toText(source)}\n${createPatchCall(patch.name)}` }
    },
  })
  isAnyLoaded = patchLoaded(patches) || isAnyLoaded
  return () => isAnyLoaded
}

/** The appended code finds this function by a symbol. */
const LOADED: unique symbol = Symbol.for('@spanlink/kafka.loaded')

// Runs at the end of the module, before importing modules see its exports.
function createPatchCall(name: string): string {
  return `;globalThis[Symbol.for(${JSON.stringify(LOADED.description)})](${JSON.stringify(name)}, module.exports);\n`
}

function toText(source: string | ArrayBufferLike | ArrayBufferView): string {
  if (typeof source === 'string') return source
  if (ArrayBuffer.isView(source)) return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString()
  return Buffer.from(source).toString()
}
