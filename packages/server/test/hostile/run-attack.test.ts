import { expect, test } from 'vitest'
import { MIN_ACKED_REQUESTS } from './good-exporters.ts'
import { expectUnharmed, runAttack } from './run-attack.ts'

test('runAttack measures requests of good exporters after the start of an attack that ends at once', async () => {
  const report = await runAttack({ attack: () => Promise.resolve() })
  expectUnharmed(report)
  expect(report.ackedRequests).toBeGreaterThanOrEqual(MIN_ACKED_REQUESTS)
  expect(() => expectUnharmed({ ...report, ackedRequests: 0 })).toThrow('had enough requests acknowledged')
}, 240_000)
