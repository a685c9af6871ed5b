import { expect, test } from 'vitest'
import { MIN_ACKED_REQUESTS } from './good-senders.ts'
import { expectUnharmed, runAttack } from './run-attack.ts'

test('an attack that ends at once is still judged on requests that good senders sent after it began', async () => {
  const report = await runAttack({ attack: () => Promise.resolve() })
  expectUnharmed(report)
  expect(report.ackedRequests).toBeGreaterThanOrEqual(MIN_ACKED_REQUESTS)
  expect(() => expectUnharmed({ ...report, ackedRequests: 0 })).toThrow('had enough requests acknowledged')
}, 240_000)
