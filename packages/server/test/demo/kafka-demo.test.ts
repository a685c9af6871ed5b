import { startDemo } from '@spanlink/testkit/demo'
import { startKafka } from '@spanlink/testkit/kafka'
import { expect, test, vi } from 'vitest'

test('spanlink demo --kafka runs the shop on a broker, and stops it with the server', async () => {
  await using kafka = await startKafka()
  await using demo = await startDemo(['--kafka', kafka.brokers.join()], /Place one of your own/)
  const expected = ['gateway', 'payment', 'inventory', 'shipping', 'email', 'fraud']
  await vi.waitUntil(
    async () => {
      const { services } = await demo.getJson<{ services: readonly string[] }>('/api/services')
      return expected.every((name) => services.includes(name))
    },
    { timeout: 90_000, interval: 100 },
  )
  const [, gateway = ''] = /POST (\S+)\/orders/.exec(demo.process.output()) ?? []
  expect(await demo.stop()).toBe(0)
  await expect(fetch(gateway)).rejects.toThrow('fetch failed')
})
