import { defineConfig } from 'vitest/config'

// Every package is one project; each states what it needs (a broker, an engine, a browser) in its own file.
export default defineConfig({
  test: {
    projects: ['{packages,compat,examples}/*/vitest.config.ts', 'scripts/vitest.config.ts'],
    globalSetup: ['packages/testkit/src/install/compile-cache.ts', 'packages/testkit/src/kafka/shared-kafka.ts'],
  },
})
