import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshSeed } from './flow-data.ts'
import { post } from './shop-signals.ts'
import { order, type Order } from './shop.ts'
import { startSite, type Page, type Site } from './site.ts'
import { findViolations } from './accessibility-rules.ts'

type Route = Parameters<Parameters<Page['route']>[1]>[0]

let site: Site

beforeAll(async () => {
  site = await startSite()
  const { request, inventory } = order(Date.now() - 5000, 1)
  await site.send(request, inventory)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

test('an empty trace list links to the connect page, which shows the endpoint and counts arriving spans', async () => {
  await using empty = await startSite()
  const page = await empty.open('/', { colorScheme: 'dark' })
  await page.getByRole('link', { name: 'Connect an application' }).waitFor()
  expect(await findViolations(page)).toEqual([])
  await page.getByRole('link', { name: 'Connect an application' }).click()
  await page.waitForURL('**/connect')
  await page.getByText('None received since the server started').waitFor()
  await expect
    .poll(() => page.locator('.steps').innerText())
    .toContain(`OTEL_EXPORTER_OTLP_ENDPOINT=${empty.server.otlpHttp}`)
  const sent = order(Date.now() - 1000, 1)
  await empty.send(sent.request, sent.inventory)
  await expect
    .poll(() => page.getByRole('main').getByRole('status').innerText())
    .toMatch(/^5 spans received .* the last /)
  await page.close()
})

test('the trace list adds new traces automatically, but not while it is paused', async () => {
  const page = await site.open('/')
  await page.locator('table.traces').waitFor()
  const rowOf = (sent: Order) => page.locator(`a.trace-link[href*="${sent.gateway}"]`)
  const second = order(Date.now() - 800, freshSeed())
  await site.send(second.request, second.inventory)
  await rowOf(second).waitFor()

  await page.keyboard.press('p')
  await page.getByRole('button', { name: 'Paused' }).waitFor()
  // Requests from before the pause may still complete; afterwards there are none.
  await page.waitForLoadState('networkidle').catch(() => undefined)
  const requestPaths: string[] = []
  page.on('request', (request) => requestPaths.push(new URL(request.url()).pathname))
  const third = order(Date.now() - 600, freshSeed())
  await site.send(third.request, third.inventory)
  await page.waitForRequest('**/api/status')
  await page.waitForRequest('**/api/status')
  expect(requestPaths).not.toContain('/api/traces')
  expect(await rowOf(third).count()).toBe(0)

  await page.keyboard.press('p')
  await rowOf(third).waitFor()
  await page.close()
})

test.each([
  [
    'the pointer',
    async (page: Page) => await page.locator('table.traces tbody tr').nth(1).hover(),
    async (page: Page) => await page.mouse.move(300, 10),
  ],
  [
    'the focus',
    async (page: Page) => await page.locator('a.trace-link').nth(1).focus(),
    async (page: Page) => await page.getByRole('button', { name: /^\d+ new$/ }).click(),
  ],
])('rows under %s stay in position, and new rows are counted until they are shown', async (_, hold, showNew) => {
  const page = await site.open('/')
  const links = page.locator('a.trace-link')
  await links.nth(1).waitFor()
  await hold(page)
  const before = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))
  const sent = order(Date.now() - 500, freshSeed())
  await site.send(sent.request, sent.inventory)
  const pill = page.getByRole('button', { name: /^\d+ new$/ })
  await pill.waitFor()
  expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))).toEqual(before)
  await showNew(page)
  await page.locator(`a.trace-link[href*="${sent.gateway}"]`).waitFor()
  await expect.poll(() => pill.count()).toBe(0)
  await page.close()
})

test('a scrolled log list keeps its position and counts new records', async () => {
  const now = Date.now()
  const write = async (from: number, count: number): Promise<void> =>
    await post(site.server, 'logs', {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'writer' } }] },
          scopeLogs: [
            {
              logRecords: Array.from({ length: count }, (_, nth) => ({
                timeUnixNano: `${now - 60_000 + (from + nth) * 10}000000`,
                severityNumber: 9,
                body: { stringValue: `line ${from + nth}` },
              })),
            },
          ],
        },
      ],
    })
  await write(0, 80)
  const page = await site.open('/logs?service=writer')
  await page.getByText('line 79', { exact: true }).waitFor()
  await page.locator('.log-scroll').evaluate((box) => (box.scrollTop = 400))
  await write(80, 3)
  await page.getByRole('button', { name: '3 new' }).waitFor()
  expect(await page.getByText('line 82', { exact: true }).count()).toBe(0)
  await page.getByRole('button', { name: '3 new' }).click()
  await page.getByText('line 82', { exact: true }).waitFor()
  await page.close()
})

test('the trace list is cleared when the next search fails', async () => {
  const page = await site.open('/')
  await page.locator('table.traces').waitFor()
  await page.route('**/api/traces?*', async (route) => await route.abort())
  await page.getByLabel('Service').selectOption('payment')
  await page.getByRole('heading', { name: 'The traces could not be loaded' }).waitFor()
  expect(await page.locator('table.traces').count()).toBe(0)
  await page.unroute('**/api/traces?*')
  await page.locator('table.traces').waitFor()
  await page.close()
})

test('a trace list rejected with 503 is requested again automatically', async () => {
  const page = await site.open('/connect')
  const busy = { status: 503, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'busy' }) }
  let rejectedRequests = 0
  const reject = async (route: Route): Promise<void> => {
    rejectedRequests += 1
    await route.fulfill(busy)
  }
  await page.route('**/api/traces?*', reject, { times: 1 })
  await page.getByRole('link', { name: 'Traces', exact: true }).click()
  await page.locator('a.trace-link').first().waitFor()
  expect(rejectedRequests).toBe(1)
  await page.close()
})

test('every page shows a notice of quarantined segments', async () => {
  const page = await site.open('/connect')
  await page.waitForRequest('**/api/status')
  expect(await page.locator('.status-notices').count()).toBe(0)
  await page.route('**/api/status', async (route) => {
    const response = await (await route.fetch()).json()
    await route.fulfill({
      json: { ...response, quarantine: { segments: 2, bytes: 2048, lastError: 'memory limit exceeded' } },
    })
  })
  await page.getByText('1 notice').click()
  await expect.poll(() => page.locator('.status-notices ul').innerText()).toContain('2 journal segments (2.0 KiB)')
  expect(await findViolations(page)).toEqual([])
  await page.close()
})

test('the chosen theme is applied before the first paint of the next visit', async () => {
  const page = await site.open('/connect', { colorScheme: 'light' })
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await background()
  await page.getByRole('button', { name: 'Theme: system. Change to light' }).click()
  await page.getByRole('button', { name: 'Theme: light. Change to dark' }).click()
  await expect.poll(background).not.toBe(light)
  const dark = await background()
  // Without the application's script, only code before the first paint can set the theme.
  await page.route('**/assets/*.js', async (route) => await route.abort())
  await page.reload({ waitUntil: 'domcontentloaded' })
  await expect.poll(background).toBe(dark)
  await page.close()
})

test('a trace id pasted as part of a traceparent header opens its trace', async () => {
  const { gateway } = order(0, 1)
  const page = await site.open('/connect')
  await page.getByLabel('Trace id').fill(`traceparent: 00-${gateway}-00f067aa0ba902b7-01`)
  await page.getByLabel('Trace id').press('Enter')
  await page.waitForURL(`**/trace/${gateway}`)
  await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toContain('gateway')
  await page.close()
})
