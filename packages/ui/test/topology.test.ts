import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { landscape, orderFlow } from './flow-data.ts'
import { sendLag } from './shop-signals.ts'
import { startSite, type Page, type Site } from './site.ts'
import { findViolations } from './accessibility-rules.ts'

let site: Site

beforeAll(async () => {
  site = await startSite()
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

const nodes = (page: Page) => page.locator('.topology-node')

test('the topology page without data offers a search of the last 7 days', async () => {
  const page = await site.open('/topology')
  await page.getByRole('heading', { name: 'No data in range' }).waitFor()
  await page.getByRole('link', { name: 'Search the last 7 days' }).click()
  await expect.poll(() => page.url()).toContain('/topology?last=7d')
  await page.close()
})

describe('the topology page', () => {
  beforeAll(async () => {
    const flow = orderFlow(Date.now() - 300_000, 1)
    await site.send(flow.request, flow.traceId)
  })

  test('leads from the list to a topic, to its queue times and to an example flow', async () => {
    const page = await site.open('/topology')
    const list = page.locator('.node-list')
    await list.getByRole('link', { name: 'orders.retry' }).click()
    const details = page.getByRole('complementary', { name: 'Details' })
    await details.getByRole('region', { name: 'Downstream' }).getByRole('link', { name: 'payment' }).click()
    await page.waitForURL(/edge=/)
    await expect.poll(() => details.locator('.quantiles').innerText()).toMatch(/Queue time\s+806 ms\s+806 ms\s+806 ms/)
    await details.getByRole('region', { name: 'Examples' }).getByRole('link', { name: 'Flow' }).last().click()
    await page.waitForURL(/\/flow\/[0-9a-f]{32}\?span=/)
    await page.locator('.flow-row.selected').waitFor()
    await page.close()
  })

  test('shows the lag of a group in the list, the graph and the details', async () => {
    await sendLag(site.server, { topic: 'orders', group: 'payment', messages: 43_210 })
    const page = await site.open('/topology')
    await nodes(page).filter({ hasText: 'lag 43.2k' }).waitFor()
    const row = page.locator('.node-list tr', { has: page.locator('.group', { hasText: 'payment' }) })
    await expect.poll(() => row.locator('.lag').innerText()).toBe('43.2k')
    await row.getByRole('link').click()
    const details = page.getByRole('complementary', { name: 'Details' })
    await expect
      .poll(() => details.locator('.pairs').innerText())
      .toMatch(/Lag\s+43,210 messages .*kafka\.consumer\.lag/)
    await details
      .getByRole('region', { name: 'Upstream' })
      .getByRole('link', { name: 'Topic orders', exact: true })
      .click()
    await expect.poll(() => details.locator('.pairs').innerText()).toMatch(/Topic\s+orders[^]*43,210 messages/)
    await page.close()
  })

  test('shows only the neighbours of a focused node, and all nodes again with Show all', async () => {
    const page = await site.open('/topology')
    await expect.poll(() => nodes(page).count()).toBe(18)
    await page.locator('.node-list').getByRole('link', { name: 'orders.dlq' }).click()
    await page.keyboard.press('f')
    await page.waitForURL(/focus=/)
    await expect.poll(() => nodes(page).count()).toBeLessThan(10)
    await page.getByRole('link', { name: 'Show all', exact: true }).click()
    await expect.poll(() => nodes(page).count()).toBe(18)
    await page.close()
  })

  test('fits the graph into the window, and again with Fit after zooming', async () => {
    const page = await site.open('/topology', { viewport: { width: 1920, height: 1080 } })
    await nodes(page).first().waitFor()
    const isWhole = () =>
      page
        .locator('.graph-scroll')
        .evaluate((box) => box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight)
    await expect.poll(isWhole).toBe(true)
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await expect.poll(isWhole).toBe(false)
    await page.getByRole('button', { name: 'Fit' }).click()
    await expect.poll(isWhole).toBe(true)
    await page.close()
  })

  test('sorts the list by a column and keeps the order in the URL', async () => {
    const page = await site.open('/topology')
    const names = () => page.locator('.node-list tbody td:first-child').allInnerTexts()
    await page.locator('.node-list').getByRole('button', { name: 'Name' }).click()
    await page.waitForURL(/sort=name/)
    await expect.poll(async () => (await names()).map((name) => name.trim())[0]).toBe('email')
    await page.locator('.node-list').getByRole('button', { name: 'Name' }).click()
    await expect.poll(async () => (await names()).map((name) => name.trim())[0]).toBe('shipping')
    await page.reload()
    await expect.poll(() => page.locator('.node-list th[aria-sort=descending]').innerText()).toContain('Name')
    await page.close()
  })

  test('filters, opens and closes details by keyboard', async () => {
    const page = await site.open('/topology')
    await nodes(page).first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('review')
    await expect.poll(() => page.locator('.node-list tbody tr').count()).toBe(2)
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'Details' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('complementary').count()).toBe(0)
    await page.close()
  })

  test('shows only failing edges with the Errors only checkbox', async () => {
    const page = await site.open('/topology')
    await page.getByRole('checkbox', { name: 'Errors only' }).check()
    await page.waitForURL(/errors=1/)
    const rows = page.locator('.node-list tbody tr')
    await expect.poll(() => rows.count()).toBeGreaterThan(0)
    for (const row of await rows.allInnerTexts()) expect(row).not.toMatch(/\t0%/)
    await page.close()
  })

  test('says "No errors" only of the busiest edges when others are omitted', async () => {
    const page = await site.open('/topology')
    await nodes(page).first().waitFor()
    await page.route('**/api/topology?*', async (route) => {
      const response = await (await route.fetch()).json()
      const edges = response.edges.map((edge: object) => ({ ...edge, errorCount: 0 }))
      await route.fulfill({ json: { ...response, edges, complete: false } })
    })
    await page.getByRole('checkbox', { name: 'Errors only' }).check()
    await page.reload()
    const picture = page.getByRole('region', { name: 'Graph' })
    await expect.poll(() => picture.innerText()).toMatch(/No errors in the \d+ busiest edges/)
    await expect.poll(() => picture.innerText()).toContain('More edges than one response can hold')
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.close()
  })

  test('has no axe violations in both themes', async () => {
    const page = await site.open('/topology?node=service%3Apayment')
    await nodes(page).first().waitFor()
    expect(await findViolations(page)).toEqual([])
    await page.close()
  })
})

// The layout of 400 nodes takes seconds of CPU time, and longer under load.
const LAYOUT_TIMEOUT_MS = 90_000

test(
  'the topology of 100 services and 300 topics keeps readable labels',
  { timeout: 2 * LAYOUT_TIMEOUT_MS },
  async () => {
    await site.server.sendSpans(landscape(Date.now() - 600_000, 5, 100, 300))
    const page = await site.open('/topology')
    await expect.poll(() => page.locator('.topology-count').innerText()).toMatch(/^1\d\d services · 3\d\d topics/)
    await page.getByText(/busiest of .* edges/).waitFor()
    await nodes(page).first().waitFor()
    // Labels keep their size at any zoom.
    const fontSizePx = await nodes(page)
      .first()
      .evaluate((node) => {
        const name = node.querySelector('.text') ?? node
        const scale = node.getBoundingClientRect().width / (node as HTMLElement).offsetWidth
        return Number.parseFloat(getComputedStyle(name).fontSize) * scale
      })
    expect(fontSizePx).toBeGreaterThan(9)
    await page.getByRole('region', { name: 'Graph' }).getByRole('link', { name: 'Show all' }).click()
    await expect.poll(() => nodes(page).count(), { timeout: LAYOUT_TIMEOUT_MS }).toBeGreaterThan(400)
    await page.close()
  },
)

test('the topology pages caused no script error, CSP violation or request to another host', () => {
  expect(site.pageErrors).toEqual([])
})
