import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineProject } from 'vitest/config'

// The same tests on SDK 2.x and API 1.9: the oldest the peer range allows. They run on a copy of the plugin that lies beside
// that SDK, so that Node itself finds it: with aliases instead, Vitest 5.1.1 loads SDK 3 whenever its cache is cold.
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const copy = here('./.copy')
rmSync(copy, { recursive: true, force: true })
for (const part of ['src', 'test', 'package.json'])
  cpSync(here(`../../packages/kafka/${part}`), `${copy}/${part}`, { recursive: true })
cpSync(here('./sdk.ts'), `${copy}/test/support/sdk.ts`)

export default defineProject({
  root: copy,
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'kafka on SDK 2',
    // The core and one client: the adapters reach the SDK through the core only.
    include: ['test/{bad-input,kafkajs*,metrics,no-sdk,process,propagators,send,testing}.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
})
