import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { order, type Order } from './shop.ts'
import { startSite, type Page, type Site } from './site.ts'
import { violations } from './accessibility-rules.ts'

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

/** What it is, where, what shows that it is there, and what to do then. */
type State = [name: string, path: () => string, shown: string, then?: (page: Page) => Promise<void>]

describe('axe finds nothing wrong in both themes', () => {
  test.each<State>([
    ['with traces', () => '/', 'table.traces'],
    ['with no match', () => '/?minDuration=5m', '.notice'],
    ['with a trace', () => `/trace/${shop.payment}`, '.span-row'],
    ['with details and links in', () => `/trace/${shop.gateway}?span=${shop.sendSpan}`, '.link-item'],
    ['with a trail', () => `/trace/${shop.gateway}`, '.span-row', followOn],
    ['with a missing trace', () => `/trace/${'a'.repeat(32)}`, '.notice'],
    ['with how to connect', () => '/connect', '.steps'],
    ['with the keyboard help', () => '/', 'table.traces', async (page) => await page.keyboard.press('?')],
    ['with an address that is no page', () => '/nowhere', '.notice'],
  ])('%s', async (_, path, shown, then) => {
    const page = await site.open(path())
    await page.locator(shown).first().waitFor()
    await then?.(page)
    expect(await violations(page)).toEqual([])
    await page.close()
  })
})

test('at the width of a phone no page is wider than the window', async () => {
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
