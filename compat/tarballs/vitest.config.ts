import { defineProject } from 'vitest/config'

export default defineProject({
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'tarballs',
    include: ['test/**/*.test.ts'],
    // npm installs packages and the engine's library into an empty folder first.
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
})
