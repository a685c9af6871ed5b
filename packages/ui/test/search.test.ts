import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { post, sendSignals } from './shop-signals.ts'
import { order, type Order } from './shop.ts'
import { startSite, type Page, type Site } from './site.ts'
import { findViolations } from './accessibility-rules.ts'

let site: Site
let shop: Order

beforeAll(async () => {
  site = await startSite()
  const now = Date.now()
  shop = order(now - 5000, 1)
  for (const { request, inventory } of [shop, order(now - 9000, 2)]) await site.send(request, inventory)
  await sendSignals(site.server, now, shop)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

const rows = (page: Page) => page.locator('table.traces tbody tr')

test('a TraceQL query is completed, run with Enter, kept in the URL and links to its matched span', async () => {
  const page = await site.open('/')
  await expect.poll(() => rows(page).count()).toBe(6)
  await page.keyboard.press('/')
  await page.keyboard.type('{ resource.service.name = "pay')
  await page.getByRole('option', { name: /"payment"/ }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  const input = page.getByRole('combobox', { name: 'TraceQL query' })
  await expect.poll(() => input.inputValue()).toBe('{ resource.service.name = "payment" ')
  await page.keyboard.type('&& status = error }')
  await page.keyboard.press('Enter')
  await expect.poll(() => rows(page).count()).toBe(2)
  // A query that filters can express is shown as filters.
  expect(new URL(page.url()).searchParams.get('service')).toBe('payment')
  await expect.poll(() => page.getByLabel('Status').inputValue()).toBe('error')

  await input.fill('{ kind = producer } ->> { kind = consumer && resource.service.name = "inventory" }')
  await input.press('Enter')
  await page.locator('a.matched').first().waitFor()
  await expect.poll(() => rows(page).count()).toBe(2)
  expect(new URL(page.url()).searchParams.get('q')).toContain('->>')
  await page.locator('a.matched').first().click()
  await page.waitForURL('**/trace/*?span=*')
  await page.goBack()
  await expect.poll(() => rows(page).count()).toBe(2)
  await page.close()
})

test('filters update the TraceQL query, and an invalid query shows the position of its error', async () => {
  const page = await site.open('/')
  await page.getByLabel('Service').selectOption('gateway')
  const input = page.getByRole('combobox', { name: 'TraceQL query' })
  await expect.poll(() => input.inputValue()).toBe('{ resource.service.name = "gateway" }')
  await input.fill('{ .a = }')
  await input.press('Enter')
  await page.getByRole('heading', { name: 'Invalid query' }).waitFor()
  await expect.poll(() => page.getByRole('alert').innerText()).toContain('line 1, column 8')
  await page.getByRole('button', { name: 'Jump to error' }).click()
  const selected = () => input.evaluate((field: HTMLInputElement) => [field.selectionStart, field.selectionEnd])
  await expect.poll(selected).toEqual([7, 8])
  await page.close()
})

test('a query that exceeds a limit is shown as too expensive, not as invalid', async () => {
  const page = await site.open('/')
  await page.route('**/api/traces?*', async (route) => {
    const problem = { title: 'Query too expensive', status: 422, detail: 'Choose a shorter time range.' }
    await route.fulfill({ status: 422, json: problem, contentType: 'application/problem+json' })
  })
  await page.getByLabel('Service').selectOption('gateway')
  await page.getByRole('heading', { name: 'Query too expensive' }).waitFor()
  expect(await page.locator('.notice').innerText()).toContain('Choose a shorter time range.')
  await page.close()
})

test('traces are grouped by a field, and a click on a group filters the search', async () => {
  const page = await site.open('/?by=resource.service.name')
  const groups = page.locator('table.grouped tbody tr')
  await expect.poll(() => groups.count()).toBe(3)
  await groups.getByRole('button', { name: 'inventory' }).click()
  await expect.poll(() => rows(page).count()).toBe(2)
  expect(page.url()).toContain('service=inventory')
  await page.close()
})

test('dragging over the heat map limits the search to that time range', async () => {
  const page = await site.open('/')
  await page.getByRole('img', { name: /Durations over time: 6 spans/ }).waitFor()
  const box = await page.locator('.heatmap-area').boundingBox()
  if (box === null) throw new Error('the heat map is not on the page')
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width - 2, box.y + 41, { steps: 4 })
  await page.mouse.up()
  await expect.poll(() => rows(page).count()).toBe(3)
  expect(page.url()).toMatch(/start=\d+&end=\d+/)
  await page.close()
})

test('dragging over an empty part keeps the heat map, and Back restores each filter', async () => {
  const page = await site.open('/')
  await page.getByLabel('Service').selectOption('gateway')
  await expect.poll(() => rows(page).count()).toBe(2)
  await page.getByLabel('Status').selectOption('unset')
  await page.getByRole('img', { name: /Durations over time: \d+ spans/ }).waitFor()
  const box = await page.locator('.heatmap-area').boundingBox()
  if (box === null) throw new Error('the heat map is not on the page')
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.5, box.y + 80, { steps: 4 })
  await page.mouse.up()
  await page.getByRole('heading', { name: 'No trace matches' }).waitFor()
  await page.locator('.heatmap-area').getByText('No spans in range').waitFor()
  expect(await page.locator('.heatmap-area').isVisible()).toBe(true)

  await page.goBack()
  await expect.poll(() => rows(page).count()).toBe(2)
  await expect.poll(() => page.getByLabel('Status').inputValue()).toBe('unset')
  await page.goBack()
  await expect.poll(() => page.getByLabel('Status').inputValue()).toBe('')
  await expect.poll(() => page.getByLabel('Service').inputValue()).toBe('gateway')
  await page.goBack()
  await expect.poll(() => rows(page).count()).toBe(6)
  await page.close()
})

test('a log record links to its span, whose details show the record', async () => {
  const page = await site.open('/logs?q=declined')
  const record = page.locator('.logs > li')
  await expect.poll(() => record.count()).toBe(1)
  await record.locator('summary').press('Enter')
  await page.getByRole('link', { name: 'Only records with this value: order.id' }).click()
  await expect.poll(() => page.url()).toContain('attribute=order.id')
  await record.getByRole('link', { name: 'Trace' }).first().click()
  await page.waitForURL(`**/trace/${shop.gateway}?span=${shop.sendSpan}`)
  await page.locator('.details-panel').getByText('card was declined').waitFor()
  await page.close()
})

test('an exemplar of a metric opens its trace at its span', async () => {
  const page = await site.open('/metrics')
  await page.locator('.uplot canvas').waitFor()
  await page.getByRole('region', { name: 'Exemplars' }).getByRole('link').first().click()
  await page.waitForURL(`**/trace/${shop.gateway}?span=${shop.sendSpan}`)
  await expect.poll(() => page.locator('.details-panel h2').innerText()).toBe('send orders')
  expect(site.pageErrors.filter((text) => !/400|422/.test(text))).toEqual([])
  await page.close()
})

test('the metric list marks the drawn one of two metrics that share a name', async () => {
  const points = (count: number) =>
    Array.from({ length: count }, (_, shard) => ({
      timeUnixNano: `${Date.now() - 60_000}000000`,
      asInt: '7',
      attributes: [{ key: 'shard', value: { intValue: String(shard) } }],
    }))
  await post(site.server, 'metrics', {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'cache' } }] },
        scopeMetrics: [
          {
            metrics: [
              { name: 'cache.size', unit: 'By', gauge: { dataPoints: points(3) } },
              { name: 'cache.size', unit: 'KiBy', gauge: { dataPoints: points(1) } },
            ],
          },
        ],
      },
    ],
  })
  const page = await site.open('/metrics?name=cache.size')
  const marked = page.getByRole('navigation', { name: 'Metrics' }).locator('[aria-current]')
  await page.waitForURL(/type=gauge&unit=By/)
  await expect.poll(() => marked.allInnerTexts()).toEqual([expect.stringContaining('gauge · By · 3 series')])
  await page.getByRole('link', { name: 'KiBy' }).click()
  await page.waitForURL(/unit=KiBy/)
  await expect.poll(() => marked.allInnerTexts()).toEqual([expect.stringContaining('gauge · KiBy · 1 series')])
  await expect.poll(() => page.locator('.metric-panel header').innerText()).toContain('KiBy')
  await page.close()
})

describe('axe reports no violations in both themes', () => {
  test.each([
    ['with a query over links', '/?q=%7B%20%7D%20-%3E%3E%20%7B%20%7D', 'a.matched'],
    ['with groups', '/?by=name', 'table.grouped'],
    ['with logs', '/logs', '.logs'],
    ['with a metric', '/metrics', '.uplot'],
    ['with a histogram', '/metrics?name=process.duration&view=buckets', '.bucket-map'],
    ['with a histogram by group', '/metrics?name=process.duration&view=buckets&groupBy=service', '.bucket-map h3'],
  ])('on the page %s', async (_, path, shown) => {
    const page = await site.open(path)
    await page.locator(shown).first().waitFor()
    expect(await findViolations(page)).toEqual([])
    await page.close()
  })
})
