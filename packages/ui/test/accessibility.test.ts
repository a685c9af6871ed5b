import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { order, type Order } from './shop.ts'
import { startSite, type Page, type Site } from './site.ts'
import { findViolations } from './accessibility-rules.ts'

let site: Site
let shop: Order

beforeAll(async () => {
  site = await startSite()
  shop = order(Date.now() - 5000, 1)
  await site.send(shop.request, shop.inventory)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

/** `shown` is the selector to wait for, before `then` runs. */
type State = [name: string, path: () => string, shown: string, then?: (page: Page) => Promise<void>]

describe('axe reports no violations in both themes', () => {
  test.each<State>([
    ['with traces', () => '/', 'table.traces'],
    ['with no match', () => '/?minDuration=5m', '.notice'],
    ['with a trace', () => `/trace/${shop.payment}`, '.span-row'],
    ['with span details and backlinks', () => `/trace/${shop.gateway}?span=${shop.sendSpan}`, '.link-item'],
    ['with followed links', () => `/trace/${shop.gateway}`, '.span-row', followOn],
    ['with a missing trace', () => `/trace/${'a'.repeat(32)}`, '.notice'],
    ['with connection steps', () => '/connect', '.steps'],
    ['with the keyboard help', () => '/', 'table.traces', async (page) => await page.keyboard.press('?')],
    ['with an unknown path', () => '/nowhere', '.notice'],
  ])('on the page %s', async (_, path, shown, then) => {
    const page = await site.open(path())
    await page.locator(shown).first().waitFor()
    await then?.(page)
    expect(await findViolations(page)).toEqual([])
    await page.close()
  })
})

test('no page scrolls horizontally at a viewport width of 390 px', async () => {
  const page = await site.open('/', { viewport: { width: 390, height: 844 } })
  const pages = [
    ['/', 'table.traces'],
    [`/trace/${shop.gateway}?span=${shop.sendSpan}`, '.link-item'],
    [`/flow/${shop.gateway}`, '.flow-row'],
    ['/messages', '.notice'],
    ['/topology', '.topology-node'],
    ['/logs', '.notice'],
    ['/connect', '.steps'],
  ] as const
  const wide: string[] = []
  for (const [path, shown] of pages) {
    await page.goto(site.server.url + path)
    await page.locator(shown).first().waitFor()
    const widths = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll('main, header')].map(({ scrollWidth }) => scrollWidth),
    )
    if (Math.max(...widths) > 390) wide.push(path)
  }
  expect(wide).toEqual([])
  await page.close()
})

async function followOn(page: Page): Promise<void> {
  await page.keyboard.press(']')
  await page.getByRole('navigation', { name: 'Links followed' }).waitFor()
  await page.getByRole('region', { name: 'Producers' }).waitFor()
}
