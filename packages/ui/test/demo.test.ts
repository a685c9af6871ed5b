import { launchBrowser } from '@spanlink/testkit/browser'
import { type Demo, startDemo } from '@spanlink/testkit/demo'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureBuilt } from './site.ts'

let demo: Demo
let browser: Awaited<ReturnType<typeof launchBrowser>>
beforeAll(async () => {
  await ensureBuilt()
  demo = await startDemo()
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await demo?.[Symbol.asyncDispose]()
})

test.for([
  ['/', 'table.traces tbody tr', 20],
  ['/messages', 'table.messages tbody tr', 10],
  ['/messages?list=unconsumed', 'table.messages tbody tr', 10],
  ['/messages?list=late', 'table.messages tbody tr', 10],
  ['/messages?list=retried', 'table.messages tbody tr', 10],
  ['/messages?list=redelivered', 'table.messages tbody tr', 5],
  ['/topology', 'table tbody tr', 15],
  ['/metrics', 'canvas', 1],
  ['/logs', 'ol.logs li', 20],
] as const)('the page %s of the demo has %s', async ([path, selector, count]) => {
  const page = await browser.newPage()
  await page.goto(demo.url + path)
  await expect.poll(() => page.locator(selector).count(), { timeout: 60_000 }).toBeGreaterThanOrEqual(count)
  await page.close()
})

test('the first printed flow is drawn with its failed attempts', async () => {
  const [flow = ''] = /http\S+\/flow\/\S+/.exec(demo.process.output()) ?? []
  const page = await browser.newPage()
  await page.goto(flow)
  await expect.poll(() => page.locator('.flow-row').count(), { timeout: 60_000 }).toBeGreaterThan(8)
  expect(await page.locator('.flow-row').filter({ hasText: 'payments.retry' }).count()).toBe(2)
  await page.close()
})
