import { defineProject } from 'vitest/config'

export default defineProject({
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'api-schema',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    // Not an assertion: what takes a second alone has taken thirty beside other suites.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
