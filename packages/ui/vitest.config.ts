import { defineProject } from 'vitest/config'

export default defineProject({
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'ui',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    // Not an assertion: what takes two seconds alone has taken thirty beside a broker, an engine
    // and other suites.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A page polls every two seconds, and the machine is shared with a broker and an engine.
    expect: { poll: { timeout: 60_000 } },
  },
})
