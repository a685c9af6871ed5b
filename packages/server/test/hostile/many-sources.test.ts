import { expect, test } from 'vitest'
import { sendCompressed, spansOfServices } from './hostile-spans.ts'
import { expectUnharmed, runAttack } from './run-attack.ts'

test('5 concurrent requests of 240,000 service names each stay within the memory limit', async () => {
  const bodies = Array.from({ length: 5 }, (_, request) => spansOfServices(`service-${request}`, 240_000))
  const report = await runAttack({
    attack: async (server) => {
      const responses = await Promise.all(bodies.map(async (body) => await sendCompressed(server, body)))
      for (const response of responses) {
        expect([200, 503]).toContain(response.status)
        await response.arrayBuffer()
      }
    },
  })
  expectUnharmed(report)
  // Without the limit of sources per request, they used the whole memory limit.
  expect(report.peakRssMiB).toBeLessThan(0.8 * report.memoryMiB)
}, 240_000)
