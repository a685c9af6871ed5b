import { defineProject } from 'vitest/config'

export default defineProject({
  resolve: { conditions: ['spanlink:source'] },
  ssr: { resolve: { conditions: ['spanlink:source'] } },
  test: { name: 'example confluent', include: ['test/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 600_000 },
})
