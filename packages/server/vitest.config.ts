import { defineProject } from 'vitest/config'

export default defineProject({
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'server',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
