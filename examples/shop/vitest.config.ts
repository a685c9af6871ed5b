import { defineProject } from 'vitest/config'

export default defineProject({
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: {
    name: 'shop',
    include: ['test/**/*.test.ts'],
    // A broker, a server and seven services are started and stopped for it.
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
})
