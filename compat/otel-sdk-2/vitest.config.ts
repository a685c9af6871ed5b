import { globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineProject } from 'vitest/config'

// The same tests on SDK 2.x and API 1.9: the oldest the peer range allows. They run on a copy of
// the plugin that lies beside that SDK, so that Node itself finds it: with aliases instead, Vitest
// 5.1.1 loads SDK 3 whenever its cache is cold.
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const plugin = here('../../packages/kafka')
const copy = here('./.copy')
const PARTS = ['src/**/*', 'test/**/*', 'package.json']
const SDK = 'test/support/sdk.ts'

// Only what changed is written: another run, of any project, may be reading the copy.
const files = filesOf(plugin)
for (const gone of filesOf(copy)) if (!files.has(gone)) rmSync(join(copy, gone))
for (const file of files) {
  const from = file === SDK ? here('./sdk.ts') : join(plugin, file)
  const to = join(copy, file)
  const content = readFileSync(from)
  if (content.equals(existing(to))) continue
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, content)
}

function filesOf(folder: string): Set<string> {
  return new Set(globSync(PARTS, { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile()))
}

function existing(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

export default defineProject({
  root: copy,
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'kafka on SDK 2',
    // The core, one client, and all that applications get without a change: the other adapters
    // reach the SDK through the core only.
    include: ['test/{bad-input,kafkajs*,metrics,no-sdk,process,propagators,register,send,testing}.test.ts'],
    // SDK 3 is the first whose API has logs; src/loggers.test.ts shows what is done for SDK 2's.
    exclude: ['**/node_modules/**', 'test/*-events.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
