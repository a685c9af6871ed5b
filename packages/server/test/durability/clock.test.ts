import { startSpanlink } from '@spanlink/testkit/spanlink'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sendOrderSpans } from './send-order-spans.ts'

type Status = {
  readonly journal: { readonly bytes: number }
  readonly store: { readonly spans: number; readonly links: number }
}

test('acknowledged spans are stored once while the wall clock of the server jumps by days', async () => {
  const jump = new URL('./jump-clock.ts', import.meta.url).href
  await using server = await startSpanlink({ env: { NODE_OPTIONS: `--import=${jump}` } })
  let acked = 0
  for (let request = 0; request < 40; request++) {
    const { ids, response } = await sendOrderSpans(server, 5)
    if (response.status === 200) acked += ids.length
    await sleep(20)
  }
  expect(acked).toBe(200)
  const status = async (): Promise<Status> => (await server.getJson('/api/status')) as Status
  while ((await status()).journal.bytes > 0) await sleep(50)
  expect((await status()).store).toMatchObject({ spans: acked, links: acked })
}, 120_000)

test('a span a week old is found with its link in both directions when it arrives', async () => {
  await using server = await startSpanlink({ args: ['--retention', '2d'] })
  const weekAgo = (Date.now() - 7 * 86_400_000) * 1e6
  const { traceIds, linkedTraceIds, response } = await sendOrderSpans(server, 1, [], BigInt(weekAgo))
  expect(response.status).toBe(200)
  const [traceId, linked] = [traceIds[0] as string, linkedTraceIds[0] as string]
  const found = async (path: string): Promise<unknown> =>
    await server.getJson(path).catch(async () => {
      await sleep(50)
      return await found(path)
    })
  expect(await found(`/api/traces/${traceId}`)).toMatchObject({ spans: [{ name: 'orders process' }] })
  expect(await found(`/api/traces/${linked}/links?direction=in`)).toMatchObject({ total: 1 })
}, 120_000)
